import { dirname } from 'node:path';
import { ACCOUNT, accountIds } from './account.js';
import { unwritten } from './files.js';
import { STATE_DIRECTORY } from './paths.js';
import type { Step } from './step.js';
import { inDirectory } from './way.js';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Like `install -d`, but on an open descriptor: a planted link can't redirect the chown. */
export function stateDirectoryStep(): Step {
  return step(STATE_DIRECTORY, 0o700, (owner) => ensureDirectory(STATE_DIRECTORY, owner));
}

/** Makes another directory for user jwtrot. An existing one belongs to somebody and stays as it is. */
export function directoryStep(path: string, mode: number): Step {
  return step(path, mode, (owner) =>
    inDirectory(path, { account: owner.uid, make: { mode, ...owner } }, async () => undefined),
  );
}

function step(path: string, mode: number, make: (owner: Owner) => Promise<void>): Step {
  const likeCommand = ['install', '-d', '-o', ACCOUNT, '-g', ACCOUNT, '-m', `0${mode.toString(8)}`, path] as const;
  const carryOut = async () => {
    const owner = await accountIds();
    if (owner === null) return;
    await make(owner).catch((error: unknown) => {
      throw unwritten(path, error);
    });
  };
  return { likeCommand, carryOut };
}

/** Gives a new directory, or one of root's, to an account. @throws JwtrotError `unsafe-way` */
export async function ensureDirectory(path: string, owner: Owner, root = '/'): Promise<void> {
  const mode = 0o700;
  // Its parent is root's, so the name can't change its meaning meanwhile.
  await inDirectory(dirname(path), { root, make: { mode: 0o755 } }, async () => undefined);
  await inDirectory(path, { root, account: owner.uid, make: { mode, ...owner } }, async (directory) => {
    await directory?.handle.chown(owner.uid, owner.gid);
    await directory?.handle.chmod(mode);
  });
}
