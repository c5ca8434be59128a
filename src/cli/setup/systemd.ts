import type { Configuration } from '../../config/configuration.js';
import type { Environment } from '../environment.js';
import type { SetupPlan } from './carry-out.js';
import type { SetupFacts } from './facts.js';
import { textOf } from './files.js';
import { enabledTimers, hostNotes } from './host.js';
import { makeKek, missingKek } from './kek.js';
import { CRONTAB, SHARED_PATHS, SYSTEMD_PATHS, systemdFiles } from './render.js';
import { readTemplates } from './templates.js';

/** What is to be installed. */
export interface Wanted {
  readonly facts: SetupFacts;
  readonly configuration: Configuration;
  /** Those that `--keyset` names; none: all of them, together. */
  readonly keysets: readonly string[];
  readonly environment: Environment;
}

/** Units, user, rule and jwtrot-run; one timer, or one for each keyset that is named. */
export async function systemdInstallation({ facts, configuration, keysets, environment }: Wanted): Promise<SetupPlan> {
  const timers = keysets.length === 0 ? ['jwtrot.timer'] : keysets.map((name) => `jwtrot@${name}.timer`);
  const others = (await enabledTimers()).filter((timer) => !timers.includes(timer));
  return {
    files: systemdFiles(facts, readTemplates()),
    managed: [...SYSTEMD_PATHS, ...SHARED_PATHS],
    before: others.length === 0 ? [] : [['systemctl', 'disable', '--now', ...others]],
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
    makeKek: () => makeKek(facts, configuration, environment),
    notes: async () => [...facts.notes, ...(await hostNotes(facts))],
    next: [
      'next: jwtrot-run rotate (makes the first keys as the timer would); systemctl list-timers "jwtrot*" shows when it runs',
    ],
  };
}

/** Keys, KEK and user stay: what tokens depend on is not setup's to remove. */
export async function systemdRemoval(): Promise<SetupPlan> {
  const timers = await enabledTimers();
  const cron = (await textOf(CRONTAB)) !== null;
  const installed = (await textOf(SYSTEMD_PATHS[0] ?? '')) !== null;
  return {
    files: [],
    managed: [...SYSTEMD_PATHS, ...(cron ? [] : SHARED_PATHS)],
    before: installed ? [['systemctl', 'disable', '--now', ...timers, 'jwtrot-sync.service']] : [],
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
