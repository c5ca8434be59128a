import type { Configuration } from '../config/configuration.js';
import { ACCOUNT, uidOf } from './account.js';
import type { SetupPlan } from './carry-out.js';
import type { SetupFacts } from './facts.js';
import { isInstalled } from './files.js';
import { enabledTimers, hostNotes } from './host.js';
import { makeKek, missingKek } from './kek.js';
import { CRONTAB, SHARED_PATHS, SYSTEMD_PATHS } from './paths.js';
import { installedReaders, type Readers, takeBack } from './readers.js';
import { systemdFiles } from './render.js';
import type { Step } from './step.js';
import type { Surroundings } from './surroundings.js';
import { readTemplates } from './templates.js';

/** What to install. */
export interface Wanted {
  readonly facts: SetupFacts;
  readonly configuration: Configuration;
  /** The keysets that `--keyset` names; empty: all, in one timer. */
  readonly keysets: readonly string[];
  readonly surroundings: Surroundings;
}

/** Installs units, user, polkit rule and jwtrot-run, with one timer, or one for each named keyset. */
export async function systemdInstallation({ facts, configuration, keysets, surroundings }: Wanted): Promise<SetupPlan> {
  const timers = keysets.length === 0 ? ['jwtrot.timer'] : keysets.map((name) => `jwtrot@${name}.timer`);
  const others = (await enabledTimers()).filter((timer) => !timers.includes(timer));
  return {
    files: systemdFiles(facts, readTemplates()),
    managed: [...SYSTEMD_PATHS, ...SHARED_PATHS],
    before: [
      ...(others.length === 0 ? [] : [['systemctl', 'disable', '--now', ...others] as const]),
      ...(await noLongerRead(facts.readers)),
    ],
    account: [
      ['systemd-sysusers', '/etc/sysusers.d/jwtrot.conf'],
      ['systemd-tmpfiles', '--create', '/etc/tmpfiles.d/jwtrot.conf'],
    ],
    after: [
      ['systemctl', 'daemon-reload'],
      ['systemctl', 'enable', 'jwtrot-sync.service'],
      ['systemctl', 'enable', '--now', ...timers],
    ],
    kek: await missingKek(facts),
    makeKek: () => makeKek(facts, configuration, surroundings),
    notes: async () => [...facts.notes, ...(await hostNotes(facts))],
    next: [
      ...(facts.readers === null ? [] : [`members of ${facts.readers.group} may run jwtrot status and jwtrot jwks`]),
      'next: jwtrot-run rotate (does what is due as the timer would; makes the first keys where there are none); systemctl list-timers "jwtrot*" shows when it runs',
    ],
  };
}

/** Revokes the access of a former group of readers, or to a former store. */
async function noLongerRead(readers: Readers | null): Promise<Step[]> {
  const before = await installedReaders();
  const isSame = before?.store === readers?.store && before?.group === readers?.group;
  return before === null || isSame || (await uidOf(ACCOUNT)) === null ? [] : [takeBack(before)];
}

/** Removes the installation. Keys, KEK and user stay: tokens depend on them. */
export async function systemdRemoval(): Promise<SetupPlan> {
  const timers = await enabledTimers();
  const cron = await isInstalled(CRONTAB);
  const installed = await isInstalled(SYSTEMD_PATHS[0] ?? '');
  return {
    files: [],
    managed: [...SYSTEMD_PATHS, ...(cron ? [] : SHARED_PATHS)],
    before: [
      ...(installed ? [['systemctl', 'disable', '--now', ...timers, 'jwtrot-sync.service'] as const] : []),
      ...(await noLongerRead(null)),
    ],
    account: [],
    after: [['systemctl', 'daemon-reload']],
    kek: null,
    makeKek: async () => undefined,
    notes: async () => [],
    next: KEPT,
  };
}

export const KEPT: readonly string[] = [
  'kept: user jwtrot, /var/lib/jwtrot, /etc/jwtrot, the KEK, what outlets hold, and drop-ins of your own',
];
