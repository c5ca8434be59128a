import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { JwtrotError } from '../../keyset/basics/error.js';
import { quoteOutside } from '../../keyset/basics/outside-text.js';
import { fill, realFiles, removeQuietly, syncFolder, unlessMissing } from '../../outside/durable-files.js';
import { errnoOf } from '../../outside/errno.js';
import { fileProblem } from '../../outside/file-problem.js';
import { readGuarded } from '../../outside/read-file.js';
import { readProblemCause, readProblemReason } from '../../outside/read-problem.js';
import type { Environment } from '../environment.js';
import { readStream } from '../read-stream.js';

/** Bytes. A keyset takes about 10 KB. */
const LARGEST = 256 * 1024 * 1024;

/**
 * Writes a new file, 0600, durable. The file gets its name only after it was read back and checked, so a file of that
 * name is whole even if this process is killed.
 * @param check throws if something is wrong with the bytes
 */
export async function writeBackupFile(
  path: string,
  bytes: Uint8Array,
  check: (written: Buffer) => Promise<void>,
): Promise<void> {
  const aside = join(dirname(path), `.${basename(path)}-${randomBytes(12).toString('hex')}.jwtrot-tmp`);
  const file = await openNew(aside, path);
  let written = aside;
  try {
    try {
      await fill(file, bytes);
    } finally {
      await file.close();
    }
    const read = await readGuarded(aside, { limit: LARGEST, links: 'refuse' });
    if (!read.ok) throw new Error(readProblemReason(read.problem));
    if (!read.bytes.equals(bytes)) throw new Error('what was read back is not what was written');
    await check(read.bytes);
    await giveName(aside, path);
    written = path;
    await syncFolder(realFiles, dirname(path));
  } catch (cause) {
    await removeQuietly(realFiles, written);
    if (cause instanceof JwtrotError) throw cause;
    throw new JwtrotError(
      'store',
      'backup-failed',
      `the backup ${path} was not written: ${fileProblem(cause)}; it was removed again`,
      {
        hint: 'look at the disk (df -h; dmesg), then run it again',
        cause,
      },
    );
  }
}

/** Overwrites nothing. */
async function giveName(aside: string, path: string): Promise<void> {
  try {
    await realFiles.link(aside, path);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw exists(path, error);
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoOf(error))) throw error;
    // FAT has no hard links, so an empty file takes the name first.
    await (await openNew(path, path)).close();
    await realFiles.rename(aside, path);
    return;
  }
  await realFiles.unlink(aside);
}

/** Call it before asking the user for anything. */
export async function assertNew(path: string): Promise<void> {
  const there = await unlessMissing(realFiles.stat(path), null).catch(() => null);
  if (there !== null) throw exists(path);
}

/** @param path for errors */
async function openNew(place: string, path: string): Promise<FileHandle> {
  try {
    // O_EXCL overwrites nothing and follows no link.
    return await realFiles.open(place, 'wx', 0o600);
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST') throw exists(path, cause);
    throw new JwtrotError(
      'usage',
      'backup-unwritable',
      `the backup ${path} can't be made: ${fileProblem(cause)}; nothing was written`,
      { hint: HINT, cause },
    );
  }
}

function exists(path: string, cause?: unknown): JwtrotError {
  return new JwtrotError(
    'usage',
    'backup-exists',
    `the backup ${path} can't be made: there is such a file; nothing was written`,
    {
      hint: 'give another name: a backup is never overwritten',
      cause,
    },
  );
}

const HINT =
  'name a file in a directory that this user may write to; under jwtrot-run that is the state directory: /var/lib/jwtrot/NAME';

const AGE = Buffer.from('age-encryption.org/v1\n');

/** Only a backup with the KEK is encrypted. */
export function isEncrypted(bytes: Buffer): boolean {
  return bytes.subarray(0, AGE.length).equals(AGE);
}

/** A backup is a trust root: anyone who can change it can mint tokens after a restore. `-`: standard input. */
export async function readBackupFile(file: string, { stdin, uid }: Environment): Promise<Buffer> {
  if (file === '-') {
    const bytes = await readStream(stdin, LARGEST);
    if (bytes !== null) return bytes;
    const text = `standard input is longer than ${LARGEST} bytes: that is no backup; nothing was changed`;
    throw new JwtrotError('usage', 'backup-unreadable', text, {
      hint: 'hand in the file that jwtrot store backup wrote',
    });
  }
  const read = await readGuarded(file, { limit: LARGEST, links: 'follow', uid, forbidden: 0o022 });
  if (read.ok) return read.bytes;
  throw new JwtrotError(
    'usage',
    'backup-unreadable',
    `the backup ${quoteOutside(file)} can't be read: ${readProblemReason(read.problem)}; nothing was changed`,
    {
      hint:
        read.problem.type === 'absent'
          ? 'name the file that jwtrot store backup wrote'
          : 'it must belong to this user or to root, and nobody else may write it; or hand it in: jwtrot store restore - < FILE',
      cause: readProblemCause(read.problem),
    },
  );
}
