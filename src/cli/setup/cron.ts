import { MINUTE } from '../../keyset/clock.js';
import { formatDuration } from '../../keyset/duration.js';
import { JwtrotError } from '../../keyset/error.js';
import type { SetupPlan, Step } from './carry-out.js';
import { ACCOUNT, STATE_DIRECTORY } from './facts.js';
import { textOf } from './files.js';
import { findProgram, hostNotes } from './host.js';
import { makeKek, missingKek } from './kek.js';
import { CRONTAB, cronFiles, SHARED_PATHS } from './render.js';
import { KEPT, type Wanted } from './systemd.js';
import { readTemplates } from './templates.js';

const TIMER = '/etc/systemd/system/jwtrot.service';

/** A line in /etc/cron.d, with the same user and the same places as under systemd. */
export async function cronInstallation(
  { facts, configuration, keysets, environment }: Wanted,
  splay = 30 * MINUTE,
): Promise<SetupPlan> {
  if (facts.credential !== null) {
    throw new JwtrotError('usage', 'no-credentials', `cron can't give jwtrot the KEK, which is a systemd credential`, {
      hint: 'set wrap: { type: local, kek: { file: /etc/jwtrot/kek } }, or use jwtrot setup systemd',
    });
  }
  const files = cronFiles(facts, readTemplates(), { keysets, splay: formatDuration(splay) });
  const hasSystemd =
    (await findProgram('systemd-sysusers')) !== null && (await findProgram('systemd-tmpfiles')) !== null;
  return {
    files: hasSystemd ? files : files.filter(({ path }) => !SHARED_PATHS.includes(path)),
    managed: [CRONTAB],
    before: [],
    account: hasSystemd ? systemdAccount : plainAccount,
    after: [],
    kek: await missingKek(facts),
    makeKek: () => makeKek(facts, configuration, environment),
    notes: async () => [...facts.notes, ...(await hostNotes(facts)), ...(hasSystemd ? [] : [RUN_NOTE])],
    next: [
      `next: su -s /bin/sh ${ACCOUNT} -c 'STATE_DIRECTORY=${STATE_DIRECTORY} jwtrot rotate' (the first key, as cron makes it)`,
    ],
  };
}

export async function cronRemoval(): Promise<SetupPlan> {
  const timer = (await textOf(TIMER)) !== null;
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

const HOME = ['install', '-d', '-o', ACCOUNT, '-g', ACCOUNT, '-m', '0700', STATE_DIRECTORY] as const;
const systemdAccount: readonly Step[] = [
  ['systemd-sysusers', '/etc/sysusers.d/jwtrot.conf'],
  ['systemd-tmpfiles', '--create', '/etc/tmpfiles.d/jwtrot.conf'],
  HOME,
];
/** `--force`: to be there already is no error. */
const plainAccount: readonly Step[] = [
  ['groupadd', '--system', '--force', ACCOUNT],
  [
    'sh',
    '-c',
    `id ${ACCOUNT} >/dev/null 2>&1 || useradd --system -g ${ACCOUNT} -d ${STATE_DIRECTORY} -s /usr/sbin/nologin ${ACCOUNT}`,
  ],
  HOME,
];
const RUN_NOTE =
  'there is no systemd-tmpfiles here: make directories below /run at each boot, before cron starts (install -d -o jwtrot -g jwtrot /run/jwtrot)';
