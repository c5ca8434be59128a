import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { JwtrotError } from '../keyset/basics/error.js';
import { errnoOf } from './errno.js';
import { readGuarded } from './read-file.js';
import { readProblemCause, readProblemReason } from './read-problem.js';

/** The file system calls of stores and records. The caller passes them in, so that tests can make one fail. */
export interface Files extends Pick<typeof fs, 'link' | 'mkdir' | 'open' | 'rename' | 'unlink'> {
  readonly readdir: (folder: string) => Promise<string[]>;
  readonly realpath: (path: string) => Promise<string>;
  readonly stat: (path: string) => Promise<Stats>;
  readonly lstat: (path: string) => Promise<Stats>;
}

export const realFiles: Files = fs;

/** Bytes. More than any file that is written here (a manifest has at most 48 KiB). */
const LONGEST_RECORD = 256 * 1024;
const ASIDE = /^\.aside-[0-9a-f]{24}$/;

/** @returns the result of `call`, or `otherwise` when it fails with ENOENT */
export async function unlessMissing<T, U>(call: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await call;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return otherwise;
    throw error;
  }
}

/** @returns the names in a folder; none when it does not exist */
export function namesIn(files: Files, folder: string): Promise<string[]> {
  return unlessMissing(files.readdir(folder), []);
}

/**
 * Reads a record's text.
 * @param damaged makes the error for something that the store can't have written: a FIFO, a link, a file that is too long
 * @returns null when there is no such file
 * @throws the failed system call's error
 */
export async function readRecord(
  files: Files,
  path: string,
  damaged: (why: string) => JwtrotError,
): Promise<string | null> {
  const read = await readGuarded(path, { limit: LONGEST_RECORD, links: 'refuse' }, files);
  if (read.ok) return read.bytes.toString('utf8');
  if (read.problem.type === 'absent') return null;
  throw readProblemCause(read.problem) ?? damaged(readProblemReason(read.problem));
}

/** Who may read a new file: only its owner, or also the group that may read the folder it is in (`setup --readers`). */
export type Sharing = 'private' | 'as above';

/**
 * Writes a new file under a temporary name in its final folder. It is durable before the caller gives it its final name.
 * @param sharing default: private
 * @returns its path
 */
export async function writeAside(
  files: Files,
  folder: string,
  text: string,
  sharing: Sharing = 'private',
): Promise<string> {
  const aside = join(folder, `.aside-${randomBytes(12).toString('hex')}`);
  const mode = (await isShared(files, folder, sharing)) ? 0o640 : 0o600;
  await writeNew(files, aside, text, { mode }).catch(async (error: unknown) => {
    await removeQuietly(files, aside);
    throw error;
  });
  return aside;
}

/** A file's mode and owner. */
export interface Attributes {
  readonly mode?: number;
  /** -1 keeps the present one. */
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Writes a new file and makes its content durable; `syncFolder` makes its name durable.
 * @param attributes default mode: 0600
 */
export async function writeNew(
  files: Pick<Files, 'open'>,
  path: string,
  content: string | Uint8Array,
  { mode = 0o600, ...owner }: Attributes = {},
): Promise<void> {
  // `x` is O_EXCL: it overwrites nothing and follows no link.
  const file = await files.open(path, 'wx', mode);
  try {
    await fill(file, content, owner);
  } finally {
    await file.close();
  }
}

/** Writes a new file's content and makes it durable. Leaves no copy of the content in memory. */
export async function fill(file: FileHandle, content: string | Uint8Array, attributes: Attributes = {}): Promise<void> {
  await file.writeFile(content);
  await setAttributes(file, attributes);
  await file.sync();
}

export async function setAttributes(file: FileHandle, { uid = -1, gid = -1, mode }: Attributes): Promise<void> {
  if (uid !== -1 || gid !== -1) await file.chown(uid, gid);
  if (mode !== undefined) await file.chmod(mode); // after chown, which clears bits; the umask does not count
}

/** For harmless leftovers. The caller reports the earlier failure, and a later commit cleans up. */
export async function removeQuietly(files: Files, path: string): Promise<void> {
  await files.unlink(path).catch(() => undefined);
}

/**
 * Removes temporary files of killed writers.
 * @param before in milliseconds since the epoch; files written since are kept
 */
export async function removeOldAsides(files: Files, folder: string, before: number): Promise<void> {
  for (const name of await namesIn(files, folder)) {
    if (!ASIDE.test(name)) continue;
    const path = join(folder, name);
    const facts = await unlessMissing(files.stat(path), null);
    if (facts !== null && facts.mtimeMs < before) await removeQuietly(files, path);
  }
}

/** Makes the names in a folder durable (fsync(2): a new name is durable only when its directory is synced). */
export async function syncFolder(files: Files, folder: string): Promise<void> {
  const handle = await files.open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    // Some FUSE file systems can't sync a directory.
    if (errnoOf(error) !== 'EINVAL') throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Like `mkdir -p`, with mode 0700, or 0750 in a shared folder. Each new name is durable.
 * @param sharing default: private
 */
export async function makeFolder(files: Files, folder: string, sharing: Sharing = 'private'): Promise<void> {
  const parent = dirname(folder);
  const make = async () => files.mkdir(folder, (await isShared(files, parent, sharing)) ? 0o750 : 0o700);
  try {
    await make();
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    if (errnoOf(error) !== 'ENOENT' || parent === folder) throw error;
    await makeFolder(files, parent, sharing);
    await make().catch((again: unknown) => {
      if (errnoOf(again) !== 'EEXIST') throw again;
    });
  }
  await syncFolder(files, parent);
}

const GROUP_READS = 0o050;

async function isShared(files: Files, folder: string, sharing: Sharing): Promise<boolean> {
  if (sharing === 'private') return false;
  const facts = await unlessMissing(files.stat(folder), null);
  return facts !== null && (facts.mode & GROUP_READS) === GROUP_READS;
}
