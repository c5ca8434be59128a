import { lstat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { JwtrotError } from '../keyset/error.js';

/** What of the process's surroundings decides which configuration holds; handed in, never read here. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of this process. */
  readonly uid: number;
  /** The home directory. */
  readonly home: string;
  /** Where the host's own configuration lies. Default `/etc/jwtrot/jwtrot.yaml`. */
  readonly systemConfig?: string | undefined;
}

export const SYSTEM_CONFIG = '/etc/jwtrot/jwtrot.yaml';

/**
 * The configuration file: `path` (`--config`), `$JWTROT_CONFIG`, the user's own (not as root), the host's, in this order.
 * Never one in the current folder: it names commands to run.
 * @returns an absolute path; null when there is none
 * @throws JwtrotError `config-not-found` (exit 2) when a file that was named does not exist
 */
export async function findConfiguration(path: string | undefined, surroundings: Surroundings): Promise<string | null> {
  if (path !== undefined) return named(path, '--config');
  const fromEnvironment = surroundings.env['JWTROT_CONFIG'];
  if (fromEnvironment !== undefined && fromEnvironment !== '') return named(fromEnvironment, 'JWTROT_CONFIG');
  const candidates = [surroundings.systemConfig ?? SYSTEM_CONFIG];
  // Root's runs are the host's: they must not change with whose HOME sudo kept.
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

/** A relative path in it is to be ignored (XDG Base Directory Specification). */
function configHome({ env, home }: Surroundings): string {
  const set = env['XDG_CONFIG_HOME'];
  return set !== undefined && isAbsolute(set) ? set : join(home, '.config');
}

/** Only "no such file" means that it isn't there: one that can't be looked at must not silently give way to the next. */
async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}
