import { chmod, lstat, rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { errnoOf } from '../outside/errno.js';

/*
 * The file of `jwtrot demo --svg`. It is written aside and renamed, so an older picture stays until there is a new one.
 */

const asideOf = (path: string) => `${resolve(path)}.${process.pid}.new`;

/**
 * Tries it before anything else: nobody watches for twenty seconds to learn that the picture can't be written.
 * @throws JwtrotError `picture-unwritable`
 */
export async function assertWritable(path: string): Promise<void> {
  await attempt(path, async () => {
    // A FIFO would wait for a reader, and a device is not to be replaced.
    const isThere = await lstat(resolve(path)).catch(() => null);
    if (isThere?.isFile() === false) throw unwritable(path, 'it is there and is no plain file');
    await writeFile(asideOf(path), '');
    await rm(asideOf(path));
  });
}

/** @throws JwtrotError `picture-unwritable` */
export async function writePicture(path: string, content: string): Promise<void> {
  await attempt(path, async () => {
    await writeFile(asideOf(path), content);
    // It holds no secret, whatever jwtrot allows others otherwise.
    await chmod(asideOf(path), 0o644);
    await rename(asideOf(path), resolve(path));
  });
}

async function attempt(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    await rm(asideOf(path), { force: true }).catch(() => {});
    throw error instanceof JwtrotError ? error : unwritable(path, errnoOf(error));
  }
}

function unwritable(path: string, why: string): JwtrotError {
  return new JwtrotError(
    'usage',
    'picture-unwritable',
    `the picture can't be written to ${quoteOutside(path)}: ${why}; nothing was changed`,
    { hint: 'name another file: jwtrot demo --svg FILE' },
  );
}
