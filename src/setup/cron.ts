import { MINUTE } from '../keyset/basics/clock.js';
import { formatDuration } from '../keyset/basics/duration.js';
import { ACCOUNT } from './account.js';
import type { SetupPlan } from './carry-out.js';
import { cronFiles } from './crontab.js';
import type { SetupFacts } from './facts.js';
import { isInstalled } from './files.js';
import { findProgram, hostNotes } from './host.js';
import { makeKek, missingKek } from './kek.js';
import { CRONTAB, SHARED_PATHS, STATE_DIRECTORY } from './paths.js';
import { directoryStep, stateDirectoryStep } from './state-directory.js';
import type { Step } from './step.js';
import { KEPT, type Wanted } from './systemd.js';
import { readTemplates } from './templates.js';

const TIMER = '/etc/systemd/system/jwtrot.service';

/** Installs a crontab in /etc/cron.d, with the same user and paths as under systemd. */
export async function cronInstallation(
  { facts, configuration, keysets, surroundings }: Wanted,
  splay = 30 * MINUTE,
): Promise<SetupPlan> {
  const files = cronFiles(facts, readTemplates(), { keysets, splay: formatDuration(splay) });
  const hasSystemd =
    (await findProgram('systemd-sysusers')) !== null && (await findProgram('systemd-tmpfiles')) !== null;
  return {
    files: hasSystemd ? files : files.filter(({ path }) => !SHARED_PATHS.includes(path)),
    managed: [CRONTAB],
    before: [],
    account: hasSystemd ? systemdAccount : plainAccount(facts),
    after: [],
    kek: await missingKek(facts),
    makeKek: () => makeKek(facts, configuration, surroundings),
    notes: async () => [...facts.notes, ...(await hostNotes(facts)), ...(hasSystemd ? [] : [RUN_NOTE])],
    next: [
      `next: su -s /bin/sh ${ACCOUNT} -c 'STATE_DIRECTORY=${STATE_DIRECTORY} jwtrot rotate' (the first key, as cron makes it)`,
    ],
  };
}

export async function cronRemoval(): Promise<SetupPlan> {
  const timer = await isInstalled(TIMER);
  return {
    files: [],
    managed: [CRONTAB, ...(timer ? [] : SHARED_PATHS)],
    before: [],
    account: [],
    after: [],
    kek: null,
    makeKek: async () => undefined,
    notes: async () => [],
    next: KEPT,
  };
}

const HOME = stateDirectoryStep();
const systemdAccount: readonly Step[] = [
  ['systemd-sysusers', '/etc/sysusers.d/jwtrot.conf'],
  ['systemd-tmpfiles', '--create', '/etc/tmpfiles.d/jwtrot.conf'],
  HOME,
];
/** `--force` accepts an existing group. Existing directories stay as they are, as under tmpfiles.d. */
function plainAccount({ members, outlets, leftAlone, state }: SetupFacts): Step[] {
  const made = outlets.filter((path) => !leftAlone.includes(path));
  return [
    ['groupadd', '--system', '--force', ACCOUNT],
    [
      'sh',
      '-c',
      `id ${ACCOUNT} >/dev/null 2>&1 || useradd --system -g ${ACCOUNT} -d ${STATE_DIRECTORY} -s /usr/sbin/nologin ${ACCOUNT}`,
    ],
    ...(members.length === 0 ? [] : [['usermod', '--append', '--groups', members.join(','), ACCOUNT] as const]),
    HOME,
    ...made.map((path) => directoryStep(path, 0o755)),
    ...state.map((path) => directoryStep(path, 0o700)),
  ];
}

const RUN_NOTE =
  'there is no systemd-tmpfiles here: make directories below /run at each boot, before cron starts (install -d -o jwtrot -g jwtrot /run/jwtrot)';
