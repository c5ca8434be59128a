import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The file system calls that the store makes; handed in so that tests can let one fail. */
export interface Files extends Pick<typeof fs, 'link' | 'mkdir' | 'open' | 'rename' | 'unlink'> {
  readonly readdir: (folder: string) => Promise<string[]>;
  readonly realpath: (path: string) => Promise<string>;
  readonly stat: (path: string) => Promise<Stats>;
}

export const realFiles: Files = fs;

/** More than any record that the store writes (a manifest ends at 48 KiB). */
const LONGEST_RECORD = 256 * 1024;
const ASIDE = /^\.aside-[0-9a-f]{24}$/;

/** The code of a failed system call (`ENOENT`); undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** What `call` answers, or `otherwise` when it fails with ENOENT. */
export async function unlessMissing<T, U>(call: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await call;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return otherwise;
    throw error;
  }
}

/** Names in a folder; none when it does not exist. */
export function namesIn(files: Files, folder: string): Promise<string[]> {
  return unlessMissing(files.readdir(folder), []);
}

/** A record's text, cut where no record can go on; null when there is no such file. */
export async function readRecord(files: Files, path: string): Promise<string | null> {
  const file = await unlessMissing(files.open(path, 'r'), null);
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, LONGEST_RECORD));
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.toString('utf8', 0, length);
  } finally {
    await file.close();
  }
}

/** Writes a new file beside its future name, durable before anyone can see it under that name. @returns its path */
export async function writeAside(files: Files, folder: string, text: string): Promise<string> {
  const aside = join(folder, `.aside-${randomBytes(12).toString('hex')}`);
  const file = await files.open(aside, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    await removeQuietly(files, aside);
    throw error;
  } finally {
    await file.close();
  }
  return aside;
}

/** For leftovers that harm nobody: whatever failed before is the error to tell, and a later commit cleans up. */
export async function removeQuietly(files: Files, path: string): Promise<void> {
  await files.unlink(path).catch(() => undefined);
}

/** Removes what killed writers left: files aside that were last written before `before`. */
export async function removeOldAsides(files: Files, folder: string, before: number): Promise<void> {
  for (const name of await namesIn(files, folder)) {
    if (!ASIDE.test(name)) continue;
    const path = join(folder, name);
    const facts = await unlessMissing(files.stat(path), null);
    if (facts !== null && facts.mtimeMs < before) await removeQuietly(files, path);
  }
}

/** Makes the names in a folder durable (fsync(2): a new name needs its directory synced too). */
export async function syncFolder(files: Files, folder: string): Promise<void> {
  const handle = await files.open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some FUSE file systems know no fsync of a directory.
    if (errnoOf(error) !== 'EINVAL') throw error;
  } finally {
    await handle.close();
  }
}

/** `mkdir -p` with mode 0700, each new name durable. */
export async function makeFolder(files: Files, folder: string): Promise<void> {
  try {
    await files.mkdir(folder, 0o700);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    if (errnoOf(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeFolder(files, dirname(folder));
    await files.mkdir(folder, 0o700).catch((again: unknown) => {
      if (errnoOf(again) !== 'EEXIST') throw again;
    });
  }
  await syncFolder(files, dirname(folder));
}
