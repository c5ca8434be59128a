import { constants } from 'node:fs';
import { type FileHandle, lstat, open, opendir, rename, unlink } from 'node:fs/promises';
import { JwtrotError } from '../keyset/basics/error.js';
import { fill, setAttributes } from '../outside/durable-files.js';
import { errnoOf } from '../outside/errno.js';
import type { Ownership } from './accounts.js';
import type { OutletDirectory } from './directory.js';
import { isLeftover, temporaryName } from './names.js';

export interface FileAttributes extends Ownership {
  readonly mode: number;
}

/** A whole file as it is put in place. */
export interface NewFile extends FileAttributes {
  readonly content: Uint8Array;
  /** Whose name its temporary file has; absent: its own. */
  readonly aside?: string;
}

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/** Temporary files that this process is writing, so no leftovers. One file may be configured under two names. */
const beingWritten = new Set<string>();

/**
 * Replaces a file: readers see the whole old one or the whole new one, even after a power cut. Nobody else can read it
 * before its owner and mode are set.
 * @param id random, without a dot; part of the temporary file's name
 */
export async function replaceFile(
  directory: OutletDirectory,
  name: string,
  { content, aside = name, ...attributes }: NewFile,
  id: string,
): Promise<void> {
  const entry = temporaryName(aside, id);
  const temporary = `${directory.through}/${entry}`;
  let file: FileHandle | null = null;
  beingWritten.add(entry);
  try {
    file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    await fill(file, content, attributes);
    await rename(temporary, `${directory.through}/${name}`);
    if (directory.sharedWith !== null) await assertIsThere(file, directory, name);
  } catch (error) {
    if (file !== null) await unlink(temporary).catch(() => {}); // the first error is the one that counts
    throw error;
  } finally {
    beingWritten.delete(entry);
    await file?.close();
  }
  await directory.handle.sync();
}

/** Tests whether a file could be replaced: gives the attributes to an empty file without a name, which nobody sees. */
export async function tryFile(
  directory: OutletDirectory,
  name: string,
  attributes: FileAttributes,
  id: string,
): Promise<void> {
  const file = await openNameless(directory, temporaryName(name, id));
  try {
    await setAttributes(file, attributes);
  } finally {
    await file.close();
  }
}

/** open(2): it needs the right to write in the directory and changes nothing there. Node has no constant for it. */
const O_TMPFILE = constants.O_DIRECTORY | 0o20000000;
/** What NFS and older kernels, which lack O_TMPFILE, answer. */
const NO_TMPFILE = ['ENOTSUP', 'EOPNOTSUPP', 'EISDIR'];

async function openNameless({ through }: OutletDirectory, name: string): Promise<FileHandle> {
  const path = `${through}/${name}`;
  // Fails if the name is too long.
  await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
  try {
    return await open(through, O_WRONLY | O_EXCL | O_TMPFILE, 0o600);
  } catch (error) {
    if (!NO_TMPFILE.includes(errnoOf(error))) throw error;
  }
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  await unlink(path);
  return file;
}

/** Nobody can guess the temporary name, but others who may write here can list it and put their own file under it. */
async function assertIsThere(file: FileHandle, directory: OutletDirectory, name: string): Promise<void> {
  const [written, found] = await Promise.all([
    file.stat({ bigint: true }),
    lstat(`${directory.through}/${name}`, { bigint: true }),
  ]);
  if (written.ino === found.ino && written.dev === found.dev) return;
  throw new JwtrotError(
    'services',
    'replaced-meanwhile',
    `${directory.path}/${name} was replaced by somebody else while it was written: it now holds what they wrote`,
    { hint: `give the JWKS a directory that only jwtrot writes in; see who owns it now: ls -l ${directory.path}` },
  );
}

/** No directory of ours holds more names, but others may have filled it. */
const MOST_NAMES = 10_000;

/** Call it under the outlet's lock: then the process that wrote such a file is dead. */
export async function removeLeftovers(directory: OutletDirectory, name: string): Promise<void> {
  let seen = 0;
  for await (const { name: entry } of await opendir(directory.through)) {
    seen += 1;
    if (seen > MOST_NAMES) return;
    if (!isLeftover(entry, name) || beingWritten.has(entry)) continue;
    // Where others may write, the entry may be theirs, or a directory. It does no harm.
    const removed = removeFile(directory, entry);
    await (directory.sharedWith === null ? removed : removed.catch(() => {}));
  }
}

/** @returns false when there was none */
export async function removeFile(directory: OutletDirectory, name: string): Promise<boolean> {
  try {
    await unlink(`${directory.through}/${name}`);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
  await directory.handle.sync();
  return true;
}
