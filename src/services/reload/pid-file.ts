import { quoteOutside } from '../../keyset/basics/outside-text.js';
import { type ReadRules, readGuarded } from '../../outside/read-file.js';
import { readProblemReason } from '../../outside/read-problem.js';

export type PidFile =
  | {
      readonly ok: true;
      readonly pid: number;
      /** The file's owner, who vouches for the pid. */
      readonly owner: number;
      /** Milliseconds since the epoch. */
      readonly writtenAt: number;
    }
  | { readonly ok: false; readonly reason: string };

/** More than any process id with its line break. */
const MOST_BYTES = 64;

/**
 * Reads a pid file that only its owner controls, since it decides which process is signalled. It must be a regular file
 * that is not world-writable, and no symbolic link. For root (`uid` 0) only root may own or write it.
 */
export async function readPidFile(path: string, uid: number): Promise<PidFile> {
  const bad = (why: string): PidFile => ({ ok: false, reason: `pid file ${quoteOutside(path)}: ${why}` });
  const rules: ReadRules = { limit: MOST_BYTES, links: 'refuse', real: true };
  const read = await readGuarded(path, uid === 0 ? { ...rules, uid } : rules);
  if (!read.ok) {
    return bad(read.problem.type === 'too-large' ? 'it holds more than a process id' : readProblemReason(read.problem));
  }
  const { uid: owner, gid, mode, mtimeMs: writtenAt } = read.stats;
  if ((mode & 0o002) !== 0) return bad('everybody may write it');
  if (uid === 0 && gid !== 0 && (mode & 0o020) !== 0) return bad(`group ${gid} may write it`);
  const text = read.bytes.toString('latin1');
  const pid = /^\s*(\d{1,10})\s*$/.exec(text)?.[1];
  if (pid === undefined) return bad(`it holds ${quoteOutside(text)}, not one process id`);
  // 0 means jwtrot's own process group, 1 is init.
  if (Number(pid) < 2) return bad(`${pid} is no process to signal`);
  return { ok: true, pid: Number(pid), owner, writtenAt };
}
