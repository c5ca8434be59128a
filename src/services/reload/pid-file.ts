import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { quoteOutside } from '../../keyset/outside-text.js';
import { fileProblem } from '../../outside/file-problem.js';

export type PidFile = { readonly ok: true; readonly pid: number } | { readonly ok: false; readonly reason: string };

/** Longer than any process id with its line break. */
const MOST_BYTES = 64;

/**
 * Reads a pid file so that nobody else decides whom we signal: no symbolic link, a regular file, and as root (`uid` 0)
 * one that root owns and not everybody may write.
 */
export async function readPidFile(path: string, uid: number): Promise<PidFile> {
  const bad = (why: string): PidFile => ({ ok: false, reason: `pid file ${quoteOutside(path)}: ${why}` });
  let file: FileHandle;
  try {
    // O_NONBLOCK: opening a FIFO would wait for a writer.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return bad(fileProblem(error));
  }
  try {
    const facts = await file.stat();
    const { uid: owner, mode, size } = facts;
    if (!facts.isFile()) return bad('it is not a regular file');
    if (uid === 0 && owner !== 0) return bad(`it belongs to user ${owner}, not to root`);
    if (uid === 0 && (mode & 0o002) !== 0) return bad('everybody may write it');
    if (size > MOST_BYTES) return bad('it holds more than a process id');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
    const text = buffer.toString('latin1', 0, bytesRead);
    const pid = /^\s*(\d{1,10})\s*$/.exec(text)?.[1];
    if (pid === undefined) return bad(`it holds ${quoteOutside(text)}, not one process id`);
    // 0 is our own group, 1 is init.
    return Number(pid) < 2 ? bad(`${pid} is no process to signal`) : { ok: true, pid: Number(pid) };
  } finally {
    await file.close();
  }
}
