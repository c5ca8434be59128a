import { access, constants, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { JwtrotError } from '../keyset/error.js';
import type { Environment } from './environment.js';

/** What `jwtrot setup systemd` installs. */
const RUN = '/usr/local/sbin/jwtrot-run';

type Who = Pick<Environment, 'uid' | 'argv'>;

/**
 * Root may read every store. But what it leaves there the timer's user can't read, and it would run the configuration's
 * commands with all rights, outside of the unit's sandbox.
 * @throws JwtrotError `foreign-store`, with the same command line in that sandbox
 */
export async function refuseForeignStore(path: string, who: Who): Promise<void> {
  if (who.uid === 0) await refuseForeign('store', path, who, await isInstalled());
}

/** The same where the store is elsewhere: records beside outlets belong to whoever wrote them first. */
export async function refuseForeignOutlets(folders: readonly string[], who: Who): Promise<void> {
  if (who.uid !== 0 || !(await isInstalled())) return;
  for (const folder of folders) await refuseForeign("outlets' directory", folder, who, true);
}

async function refuseForeign(what: string, path: string, { argv }: Who, hasRun: boolean): Promise<void> {
  const owner = (await ownerOf(path)) ?? (await ownerOf(dirname(path)));
  if (owner === null || owner === 0) return;
  const name = await nameOf(owner);
  const line = argv.map(quote).join(' ');
  throw new JwtrotError(
    'refused',
    'foreign-store',
    `the ${what} ${path} belongs to user ${name}, and jwtrot works on it as that user alone; nothing was read or changed`,
    { hint: hasRun ? `jwtrot-run ${line}` : `sudo -u ${name === String(owner) ? `'#${owner}'` : name} jwtrot ${line}` },
  );
}

function isInstalled(): Promise<boolean> {
  return access(RUN, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function ownerOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).uid;
  } catch {
    // Whatever is wrong with it, opening the store says so.
    return null;
  }
}

async function nameOf(uid: number): Promise<string> {
  const accounts = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const line = accounts.split('\n').find((one) => one.split(':')[2] === String(uid));
  return line?.split(':')[0] ?? String(uid);
}

/** For a POSIX shell. */
function quote(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
