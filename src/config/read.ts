import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { JwtrotError } from '../keyset/error.js';

/** Bytes. A thousand keysets fit many times over. */
export const LARGEST_CONFIGURATION = 1024 * 1024;

/**
 * The text of a configuration that nobody but root and this user can have written. It is opened once, and what was opened
 * is what is checked. Symbolic links are followed: that is how Kubernetes mounts files.
 * @throws JwtrotError (exit 2) `config-not-found`, `config-unreadable`, `config-writable`, `config-owner`
 */
export async function readConfiguration(path: string, uid: number): Promise<string> {
  const handle = await openForReading(path);
  try {
    await assertTrusted(handle, path, uid);
    return decode(await readAll(handle, path), path);
  } finally {
    await handle.close();
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    // O_NONBLOCK: opening a FIFO must not hang.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw refusal('config-not-found', path, 'does not exist', 'name an existing file with --config', cause);
    }
    throw refusal('config-unreadable', path, `can't be read (${code})`, 'let this user read it', cause);
  }
}

async function assertTrusted(handle: FileHandle, path: string, uid: number): Promise<void> {
  const stat = await handle.stat();
  if (!stat.isFile()) throw refusal('config-unreadable', path, 'is not a regular file', 'name a file with --config');
  if (stat.uid !== 0 && stat.uid !== uid) {
    throw refusal(
      'config-owner',
      path,
      `belongs to uid ${stat.uid}, which is neither root nor uid ${uid} that runs jwtrot: its owner could name commands to run`,
      `chown ${uid} ${path}`,
    );
  }
  if ((stat.mode & 0o022) !== 0) {
    const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
    throw refusal(
      'config-writable',
      path,
      `can be written by others (mode ${mode}): they could name commands to run`,
      `chmod go-w ${path}`,
    );
  }
}

async function readAll(handle: FileHandle, path: string): Promise<Uint8Array> {
  const buffer = Buffer.alloc(LARGEST_CONFIGURATION + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
    length += bytesRead;
    if (length > LARGEST_CONFIGURATION) {
      throw refusal('config-unreadable', path, 'is larger than 1 MiB', 'name a jwtrot configuration with --config');
    }
    if (bytesRead === 0) return buffer.subarray(0, length);
  }
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refusal('config-unreadable', path, 'is not UTF-8 text', 'save it as UTF-8', cause);
  }
}

function refusal(code: string, path: string, what: string, hint: string, cause?: unknown): JwtrotError {
  return new JwtrotError('usage', code, `configuration ${path} ${what}; nothing was touched`, { hint, cause });
}
