import { access, constants, stat } from 'node:fs/promises';
import { readAccounts } from '../outside/accounts.js';
import { unlessHanging } from '../outside/hanging.js';

/** What `jwtrot setup systemd` installs. */
export const RUN = '/usr/local/sbin/jwtrot-run';
/** The user that setup creates. */
const ACCOUNT = 'jwtrot';

/**
 * The owner of a store, if setup lets a group read it (`setup systemd --readers`) and this user is in that group. This
 * user trusts what that owner wrote. Null: that is not the case.
 */
export async function readableStoreOf(path: string, uid: number): Promise<number | null> {
  if (uid === 0 || !(await isInstalled())) return null;
  const owner = await ownerOf(path);
  if (owner === null || owner === uid || (await nameOf(owner)) !== ACCOUNT) return null;
  return unlessHanging(path, () => access(path, constants.R_OK | constants.X_OK)).then(
    () => owner,
    () => null,
  );
}

export function isInstalled(): Promise<boolean> {
  return access(RUN, constants.X_OK).then(
    () => true,
    () => false,
  );
}

export async function ownerOf(path: string): Promise<number | null> {
  try {
    return (await unlessHanging(path, () => stat(path))).uid;
  } catch {
    // If something is wrong with it, opening the store will say so.
    return null;
  }
}

export async function nameOf(uid: number): Promise<string> {
  const account = (await readAccounts('/etc/passwd')).find(([, , id]) => id === String(uid));
  return account?.[0] ?? String(uid);
}
