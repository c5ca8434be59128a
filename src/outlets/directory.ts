import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { JwtrotError } from '../keyset/error.js';
import { errorCode } from '../outside/file-problem.js';

/** An outlet's directory, opened once: what was checked is what is written to, whatever its name comes to mean. */
export interface OutletDirectory {
  /** As configured; for people. */
  readonly path: string;
  readonly handle: FileHandle;
  /** The way to the open directory. */
  readonly through: string;
}

/** @param options.follow the last part of the path may be a symbolic link */
export async function openDirectory(path: string, options: { follow: boolean }): Promise<OutletDirectory> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | (options.follow ? 0 : constants.O_NOFOLLOW);
  let handle: FileHandle;
  try {
    handle = await open(path, flags);
  } catch (error) {
    throw unopened(path, error);
  }
  return { path, handle, through: await wayTo(handle, path) };
}

/** Node has no openat(2); proc(5) gives every open descriptor a name. Without /proc its own name has to do. */
async function wayTo(handle: FileHandle, path: string): Promise<string> {
  const through = `/proc/self/fd/${handle.fd}`;
  const [named, opened] = await Promise.all([stat(through).catch(() => null), handle.stat()]);
  return named !== null && named.ino === opened.ino && named.dev === opened.dev ? through : path;
}

function unopened(path: string, error: unknown): unknown {
  const code = errorCode(error);
  if (code === 'ENOENT') {
    return new JwtrotError('services', 'no-directory', `there is no directory ${path}; nothing was written there`, {
      hint: `create it: install -d -m 0755 ${path}`,
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
