import { RUN } from '../config/readable-store.js';

export { RUN };

export const STATE_DIRECTORY = '/var/lib/jwtrot';
const UNITS = '/etc/systemd/system';
export const CRONTAB = '/etc/cron.d/jwtrot';
export const SYSUSERS = '/etc/sysusers.d/jwtrot.conf';
export const TMPFILES = '/etc/tmpfiles.d/jwtrot.conf';
export const RULES = '/etc/polkit-1/rules.d/50-jwtrot.rules';
/** Units that run jwtrot. */
export const SANDBOXED = ['jwtrot.service', 'jwtrot@.service', 'jwtrot-sync.service'] as const;
export const PLAIN = [...SANDBOXED, 'jwtrot.timer', 'jwtrot@.timer', 'jwtrot-failure@.service'] as const;

/** Every path that setup ever writes, so that it can find leftovers. */
export const SYSTEMD_PATHS: readonly string[] = [
  ...PLAIN.map(unitPath),
  ...SANDBOXED.flatMap((name) => [sandboxOf(name), configurationOf(name)]),
  RUN,
];
/** Files for both a timer and a crontab. */
export const SHARED_PATHS: readonly string[] = [SYSUSERS, TMPFILES, RULES];

/** Directories that may be another account's. On Debian 12 polkit's user has its rules; it decides anyway. */
export const WHOSE: Readonly<Record<string, string>> = { [RULES]: 'polkitd' };

export function unitPath(unit: string): string {
  return `${UNITS}/${unit}`;
}

export function sandboxOf(unit: string): string {
  return `${UNITS}/${unit}.d/10-jwtrot-sandbox.conf`;
}

export function configurationOf(unit: string): string {
  return `${UNITS}/${unit}.d/20-jwtrot-configuration.conf`;
}

export function credentialPath(name: string): string {
  return `/etc/credstore.encrypted/${name}`;
}
