import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { errnoOf } from '../outside/errno.js';
import { mayOthersWrite, type TrustedWay, trustedWay } from '../outside/trusted-way.js';

/** An outlet's directory, opened once: we write to the directory we checked, even if its name now leads elsewhere. */
export interface OutletDirectory {
  /** As configured; for people. */
  readonly path: string;
  readonly handle: FileHandle;
  /** A path to the open directory. */
  readonly through: string;
  /** Who else can write in it or replace it; null: only jwtrot and root. */
  readonly sharedWith: string | null;
}

/** @param options.follow the last part of the path may be a symbolic link @param options.isPrivate the hint makes it for this user alone */
export async function openDirectory(
  path: string,
  options: { follow: boolean; isPrivate?: boolean },
): Promise<OutletDirectory> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | (options.follow ? 0 : constants.O_NOFOLLOW);
  let handle: FileHandle;
  try {
    handle = await open(path, flags);
  } catch (error) {
    throw unopened(path, error, options.isPrivate ? '0700' : '0755');
  }
  try {
    const sharedWith = (await whoElseInIt(handle)) ?? (await whoElseOnTheWay(path));
    return { path, handle, through: await pathThrough(handle, path), sharedWith };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Node has no openat(2), but proc(5) names every open descriptor. Without /proc the directory's own name has to do. */
async function pathThrough(handle: FileHandle, path: string): Promise<string> {
  const through = `/proc/self/fd/${handle.fd}`;
  const [named, opened] = await Promise.all([stat(through).catch(() => null), handle.stat()]);
  return named !== null && named.ino === opened.ino && named.dev === opened.dev ? through : path;
}

async function whoElseInIt(handle: FileHandle): Promise<string | null> {
  const facts = await handle.stat();
  if (facts.uid !== (process.geteuid?.() ?? 0) && facts.uid !== 0) return `it belongs to user ${facts.uid}`;
  return mayOthersWrite(facts) ? 'group or others can write in it' : null;
}

/** @param uid may do so, like root @returns who else can replace a directory on the way to `path`; null: nobody */
export async function whoElseOnTheWay(path: string, uid = process.geteuid?.() ?? 0): Promise<string | null> {
  const way = await trustedWay(path, uid);
  return way.ok ? null : onTheWay(way);
}

function onTheWay({ problem }: Extract<TrustedWay, { ok: false }>): string {
  const { type, path } = problem;
  if (type === 'writable') return `others can write in ${quoteOutside(path)} on the way to it`;
  if (type === 'loop') return 'the links on the way to it lead in a circle';
  return `${quoteOutside(path)} on the way to it belongs to user ${problem.owner}`;
}

function unopened(path: string, error: unknown, mode: string): unknown {
  const code = errnoOf(error);
  if (code === 'ENOENT') {
    return new JwtrotError('services', 'no-directory', `there is no directory ${path}; nothing was written there`, {
      hint: `create it: install -d -m ${mode} ${path}`,
      cause: error,
    });
  }
  if (code === 'ENOTDIR' || code === 'ELOOP') {
    return new JwtrotError(
      'refused',
      'unsafe-directory',
      `${path} is a symbolic link or no directory; nothing was written there`,
      {
        hint: 'configure the real path of the directory',
        cause: error,
      },
    );
  }
  return error;
}
