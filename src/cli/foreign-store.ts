import { dirname } from 'node:path';
import { isInstalled, nameOf, ownerOf } from '../config/readable-store.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { shellWord } from '../keyset/basics/outside-text.js';
import type { Environment } from './environment.js';

type Who = Pick<Environment, 'uid' | 'argv'>;

/**
 * Root may read every store. But the timer's user could not read the files that root leaves there, and root would run
 * the configuration's commands with all rights, outside the unit's sandbox.
 * @throws JwtrotError `foreign-store`; the hint runs the same command line in that sandbox
 */
export async function refuseForeignStore(path: string, who: Who): Promise<void> {
  if (who.uid === 0) await refuseForeign('store', path, who, await isInstalled());
  else await refuseStranger(path, who, await isInstalled());
}

/** The store is closed to any other user anyway. The hint names the command that works. */
async function refuseStranger(path: string, { uid, argv }: Who, hasRun: boolean): Promise<void> {
  const owner = (await ownerOf(path)) ?? (await ownerOf(dirname(path)));
  if (owner === null || owner === 0 || owner === uid) return;
  const name = await nameOf(owner);
  const line = argv.map(shellWord).join(' ');
  throw new JwtrotError(
    'store',
    'foreign-store',
    `the store ${path} belongs to user ${name}, who alone may read it; nothing was read or changed`,
    { hint: `sudo ${runs(name, owner, hasRun)} ${line}` },
  );
}

function runs(name: string, owner: number, hasRun: boolean): string {
  if (hasRun) return 'jwtrot-run';
  return `-u ${name === String(owner) ? `'#${owner}'` : name} jwtrot`;
}

/** The same for a store elsewhere: the records beside outlets belong to the user who wrote them first. */
export async function refuseForeignOutlets(folders: readonly string[], who: Who): Promise<void> {
  if (who.uid !== 0 || !(await isInstalled())) return;
  for (const folder of folders) await refuseForeign("outlets' directory", folder, who, true);
}

async function refuseForeign(what: string, path: string, { argv }: Who, hasRun: boolean): Promise<void> {
  const owner = (await ownerOf(path)) ?? (await ownerOf(dirname(path)));
  if (owner === null || owner === 0) return;
  const name = await nameOf(owner);
  const line = argv.map(shellWord).join(' ');
  throw new JwtrotError(
    'refused',
    'foreign-store',
    `the ${what} ${path} belongs to user ${name}, and jwtrot works on it as that user alone; nothing was read or changed`,
    { hint: `${hasRun ? '' : 'sudo '}${runs(name, owner, hasRun)} ${line}` },
  );
}
