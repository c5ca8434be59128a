import { lstat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { JwtrotError } from '../keyset/basics/error.js';
import { unlessHanging } from '../outside/hanging.js';

/** The parts of the process's environment that select the configuration. The caller passes them in. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly home: string;
  /** The host's configuration file. Default `/etc/jwtrot/jwtrot.yaml`. */
  readonly systemConfig?: string | undefined;
}

export const SYSTEM_CONFIG = '/etc/jwtrot/jwtrot.yaml';

/**
 * Finds the configuration file: `path` (`--config`), `$JWTROT_CONFIG`, the user's own (not as root), the host's, in this
 * order. The current folder is never searched: a configuration names commands to run.
 * @returns an absolute path; null when there is no file
 * @throws JwtrotError `config-not-found` (exit 2) when `--config` or `$JWTROT_CONFIG` names a file that does not exist
 */
export async function findConfiguration(path: string | undefined, surroundings: Surroundings): Promise<string | null> {
  if (path !== undefined) return named(path, '--config');
  const fromEnvironment = surroundings.env['JWTROT_CONFIG'];
  if (fromEnvironment !== undefined && fromEnvironment !== '') return named(fromEnvironment, 'JWTROT_CONFIG');
  const candidates = [surroundings.systemConfig ?? SYSTEM_CONFIG];
  // sudo may keep the caller's HOME; root's configuration must not depend on it.
  if (surroundings.uid !== 0) candidates.unshift(join(configHome(surroundings), 'jwtrot', 'jwtrot.yaml'));
  for (const candidate of candidates) if (isAbsolute(candidate) && (await isThere(candidate))) return candidate;
  return null;
}

async function named(path: string, by: string): Promise<string> {
  if (path !== '' && (await isThere(resolve(path)))) return resolve(path);
  throw new JwtrotError(
    'usage',
    'config-not-found',
    `configuration ${path === '' ? '""' : path}, named by ${by}, does not exist; nothing was touched`,
    { hint: by === '--config' ? 'name an existing file with --config' : 'correct JWTROT_CONFIG, or unset it' },
  );
}

/** The XDG Base Directory Specification says to ignore a relative `$XDG_CONFIG_HOME`. */
function configHome({ env, home }: Surroundings): string {
  const set = env['XDG_CONFIG_HOME'];
  return set !== undefined && isAbsolute(set) ? set : join(home, '.config');
}

/** Only "no such file" counts as absent: an unreadable configuration must not silently give way to the next candidate. */
async function isThere(path: string): Promise<boolean> {
  try {
    await unlessHanging(path, () => lstat(path));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}
