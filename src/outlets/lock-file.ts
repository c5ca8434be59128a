import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { JwtrotError } from '../keyset/basics/error.js';
import type { OutletDirectory } from './directory.js';
import { lockName } from './names.js';

/*
 * The lock is a separate file that nobody replaces, so its inode stays. It lies beside the outlet if only jwtrot and
 * root can open or remove it there. Otherwise it lies in the state directory: others could hold a lock beside the
 * outlet for ever.
 */

export interface LockFile {
  readonly handle: FileHandle;
  /** For people. */
  readonly path: string;
  /** Device and inode: two names may lead to one file. */
  readonly id: string;
  /** False if somebody removed the file between opening and locking it. */
  readonly isStillNamed: () => Promise<boolean>;
}

const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;

export function openLockBeside({ through, path }: OutletDirectory, name: string): Promise<LockFile> {
  return openIn(join(path, name), through, path, lockName(name));
}

/** @param folder created if missing @param outlet the full path of the outlet's file */
export async function openLockElsewhere(folder: string, outlet: string): Promise<LockFile> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const id = createHash('sha256').update(outlet).digest('hex').slice(0, 16);
  return openIn(outlet, folder, folder, `${id}.lock`);
}

async function openIn(outlet: string, through: string, directory: string, name: string): Promise<LockFile> {
  const [way, path] = [join(through, name), join(directory, name)];
  const handle = await open(way, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0o600);
  try {
    const opened = await handle.stat({ bigint: true });
    if (!opened.isFile() || opened.nlink > 1n) throw notOurs(path, outlet);
    return {
      handle,
      path,
      id: `${opened.dev.toString().padStart(20, '0')}:${opened.ino.toString().padStart(20, '0')}`,
      async isStillNamed() {
        const named = await stat(way, { bigint: true }).catch(() => null);
        return named !== null && named.ino === opened.ino && named.dev === opened.dev;
      },
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** @param outlet for the message, since the name of a lock in the state directory does not show its outlet */
function notOurs(path: string, outlet: string): JwtrotError {
  return new JwtrotError(
    'refused',
    'damaged-lock',
    `${outlet} was not written: its lock ${path} is not a file of jwtrot's own`,
    { hint: `find out who made it, then remove it: rm ${path}` },
  );
}
