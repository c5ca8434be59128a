import { constants, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { errorCode } from '../outside/file-problem.js';

/** `unreadable`: something is there, but it is no file that can be read, or one larger than any of ours. */
export type FileFound = { readonly bytes: Buffer; readonly stats: Stats } | 'absent' | 'unreadable';

/** More than any JWKS or key that jwtrot writes. */
export const LONGEST_FILE = 1024 * 1024;

/** Reads a file without waiting on a pipe. Never throws: what is found is judged by the caller. */
export async function readOutletFile(path: string, options: { follow: boolean }): Promise<FileFound> {
  try {
    const file = await open(
      path,
      constants.O_RDONLY | constants.O_NONBLOCK | (options.follow ? 0 : constants.O_NOFOLLOW),
    );
    try {
      const stats = await file.stat();
      if (!stats.isFile() || stats.size > LONGEST_FILE) return 'unreadable';
      const bytes = Buffer.alloc(stats.size);
      let length = 0;
      while (length < bytes.length) {
        const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return { bytes: bytes.subarray(0, length), stats };
    } finally {
      await file.close();
    }
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? 'absent' : 'unreadable';
  }
}
