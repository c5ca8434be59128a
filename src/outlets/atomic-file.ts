import { constants } from 'node:fs';
import { type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises';
import { errorCode } from '../outside/file-problem.js';
import type { Ownership } from './accounts.js';
import type { OutletDirectory } from './directory.js';

export interface FileAttributes extends Ownership {
  readonly mode: number;
}

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
const SUFFIX = '.jwtrot-tmp';

/**
 * Replaces a file: readers see the old one or the new one, whole, also after a power cut. It is readable by nobody else
 * before its owner and mode are set.
 * @param id random, without a dot; names the temporary file
 */
export async function replaceFile(
  directory: OutletDirectory,
  name: string,
  content: Uint8Array,
  attributes: FileAttributes,
  id: string,
): Promise<void> {
  const temporary = `${directory.through}/.${name}.${id}${SUFFIX}`;
  const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    try {
      await writeWhole(file, content);
      await setAttributes(file, attributes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, `${directory.through}/${name}`);
  } catch (error) {
    await unlink(temporary).catch(() => {}); // the first error is the one that counts
    throw error;
  }
  await directory.handle.sync();
}

/** The file's own buffer is handed to the kernel: no copy of a private key is made. */
async function writeWhole(file: FileHandle, content: Uint8Array): Promise<void> {
  for (let at = 0; at < content.length; ) {
    at += (await file.write(content, at, content.length - at, at)).bytesWritten;
  }
}

async function setAttributes(file: FileHandle, { uid, gid, mode }: FileAttributes): Promise<void> {
  if (uid !== -1 || gid !== -1) await file.chown(uid, gid);
  await file.chmod(mode); // after chown, which clears bits
}

/** Only under the outlet's lock: then whoever wrote such a file is dead. */
export async function removeLeftovers(directory: OutletDirectory, name: string): Promise<void> {
  const prefix = `.${name}.`;
  for (const entry of await readdir(directory.through)) {
    if (!entry.startsWith(prefix) || !entry.endsWith(SUFFIX)) continue;
    // A dot in between: it belongs to another outlet, whose name begins with this one's.
    if (!entry.slice(prefix.length, -SUFFIX.length).includes('.')) await removeFile(directory, entry);
  }
}

/** @returns false when there was none */
export async function removeFile(directory: OutletDirectory, name: string): Promise<boolean> {
  try {
    await unlink(`${directory.through}/${name}`);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  await directory.handle.sync();
  return true;
}
