import type { Configuration } from '../config/configuration.js';
import { readGuarded } from '../outside/read-file.js';

/** The files that hold setup's stamp, each with the command that writes it. */
const PLACES = [
  ['/etc/systemd/system/jwtrot.service.d/20-jwtrot-configuration.conf', 'jwtrot setup systemd'],
  ['/etc/cron.d/jwtrot', 'jwtrot setup cron'],
] as const;
/** In bytes. */
const LARGEST = 1024 * 1024;

/** What setup installed, and whether it still fits the configuration. */
export interface SetupAge {
  /** The setup command for this host. */
  readonly command: string;
  /** The configuration or jwtrot is newer, so the installation may not allow what it now needs. */
  readonly isOld: boolean;
}

/**
 * The age of the installation; null if setup did not install this configuration. Costs one failed open(2) if nothing is
 * installed. Never throws: a mere note must not stop a run.
 */
export function setupAge(
  configuration: Configuration,
  places: readonly (readonly [path: string, command: string])[] = PLACES,
): Promise<SetupAge | null> {
  return look(configuration, places).catch(() => null);
}

async function look(
  configuration: Configuration,
  places: readonly (readonly [path: string, command: string])[],
): Promise<SetupAge | null> {
  const { source } = configuration;
  if (source === null) return null;
  for (const [path, command] of places) {
    const read = await readGuarded(path, { limit: LARGEST, links: 'refuse' });
    if (!read.ok) continue;
    const { readStamp, stampOf } = await import('./stamp.js');
    const found = readStamp(read.bytes.toString('utf8'));
    if (found === null || found.source !== source) continue;
    const { setupFacts } = await import('./facts.js');
    return { command, isOld: found.stamp !== stampOf(setupFacts(configuration, source)) };
  }
  return null;
}

/** The note for a person; null if there is none. */
export function ageNote({ source }: Configuration, age: SetupAge | null): string | null {
  if (age === null || !age.isOld) return null;
  return `${source} or jwtrot is newer than what \`${age.command}\` wrote from it: what it now needs may not be allowed; run it again: sudo ${age.command}`;
}

/** What to do if polkit refuses what the configuration names. */
export function deniedHint({ command, isOld }: SetupAge): string {
  const why = isOld
    ? 'the rule is older than the configuration'
    : 'the rule may have been changed, or polkit not be running';
  return `sudo ${command} (${why})`;
}
