import { constants, type Stats } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from './errno.js';
import { PATIENCE, unlessHanging } from './hanging.js';
import { monotonic } from './monotonic.js';
import { misplacement } from './placement.js';
import type { ReadProblem } from './read-problem.js';

/*
 * The only way to read a file. Node reads in a pool of four threads, and no timer or signal can end a read that blocks
 * there. So this reader opens without blocking, checks the open file and reads only regular files. A read can still hang
 * on a file system whose server is gone: the reader waits for a limited time, and doesn't try the same file again while
 * it hangs.
 */

/** The conditions under which a file is read. */
export interface ReadRules {
  /** Bytes. A longer file is refused, whatever size it claims. */
  readonly limit: number;
  /** Whether the last part of the path may be a symbolic link. */
  readonly links: 'follow' | 'refuse';
  /** This process's: the file must belong to it or to root. Default: any owner. */
  readonly uid?: number;
  /** Permission bits that the file must not have, such as 0o022 when others must not write it. */
  readonly forbidden?: number;
  /** This process's: nobody but root, it and the owner of the folder may have put the file there. Default: anybody. */
  readonly placedFor?: number;
  /** Refuses files of procfs, sysfs and the like: another user's process may control their content. */
  readonly real?: boolean;
}

export type ReadFile =
  /** `bytes` is the only copy: the caller overwrites it if it is secret. */
  | { readonly ok: true; readonly bytes: Buffer; readonly stats: Stats }
  | { readonly ok: false; readonly problem: ReadProblem };

/** The file system calls. The caller may pass them in, so that tests can make one fail. */
export type ReadCalls = Pick<typeof fs, 'open'>;

/** Don't wait for a FIFO's writer or a lease's holder; don't take over a terminal. Node adds O_CLOEXEC to every open. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Reads a whole regular file. It checks the open file before it reads the first byte. Never throws, never hangs. */
export async function readGuarded(path: string, rules: ReadRules, calls: ReadCalls = fs): Promise<ReadFile> {
  // Not remembered: another file may have the same descriptor path later.
  const place = path.startsWith('/proc/self/fd/') ? null : path;
  const now = monotonic();
  const began = (place === null ? undefined : underWay.get(place)) ?? now;
  if (place !== null) underWay.set(place, began);
  const reading = async () => {
    try {
      return await read(path, rules, calls);
    } finally {
      if (place !== null) underWay.delete(place);
    }
  };
  try {
    return await unlessHanging(place, reading, Math.max(0, began + PATIENCE - now), overwrite);
  } catch (error) {
    return { ok: false, problem: await failure(error, path) };
  }
}

/** When each read under way began. A second read of the same file waits no longer than the first. */
const underWay = new Map<string, number>();

/** A result that comes too late may be a secret. */
function overwrite(late: ReadFile): void {
  if (late.ok) late.bytes.fill(0);
}

async function read(path: string, rules: ReadRules, calls: ReadCalls): Promise<ReadFile> {
  let file: fs.FileHandle | undefined;
  try {
    const misplaced = rules.placedFor === undefined ? null : await misplacement(path, rules.placedFor);
    if (misplaced !== null) return { ok: false, problem: { type: 'misplaced', way: misplaced } };
    file = await calls.open(path, FLAGS | (rules.links === 'refuse' ? constants.O_NOFOLLOW : 0));
    const stats = await file.stat();
    const problem = problemOf(stats, rules) ?? (rules.real === true ? await madeUp(file, path) : null);
    if (problem !== null) return { ok: false, problem };
    const bytes = await readWhole(file, stats.size, rules.limit);
    return bytes === null ? tooLarge(rules.limit) : { ok: true, bytes, stats };
  } catch (error) {
    return { ok: false, problem: await failure(error, path) };
  } finally {
    await file?.close().catch(() => undefined);
  }
}

function problemOf(stats: Stats, { uid, forbidden = 0, limit }: ReadRules): ReadProblem | null {
  if (stats.isDirectory()) return { type: 'not-a-file', what: 'directory' };
  if (stats.isFIFO()) return { type: 'not-a-file', what: 'FIFO' };
  if (!stats.isFile()) return { type: 'not-a-file', what: 'device' };
  if (uid !== undefined && stats.uid !== uid && stats.uid !== 0) return { type: 'owner', owner: stats.uid, uid };
  if ((stats.mode & forbidden) !== 0) return { type: 'mode', mode: stats.mode & 0o7777 };
  return stats.size > limit ? { type: 'too-large', limit } : null;
}

/**
 * Bytes for a file that claims to be empty, as all files of procfs do. A buffer of the limit's size could cost megabytes.
 */
const FIRST = 64 * 1024;

/** Stops at the limit whatever size the file claims, since it may grow for ever. @returns null when it is longer */
async function readWhole(file: fs.FileHandle, size: number, limit: number): Promise<Buffer | null> {
  let buffer = Buffer.alloc(Math.min(size === 0 ? FIRST : size, limit) + 1);
  for (let length = 0; ; ) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
    if (length < buffer.length) continue;
    const larger = length > limit ? null : Buffer.alloc(Math.min(Math.max(FIRST, 4 * length), limit) + 1);
    if (larger !== null) buffer.copy(larger);
    buffer.fill(0);
    if (larger === null) return null;
    buffer = larger;
  }
}

/** By the type in statfs(2); the numbers are from linux/magic.h and the kernel's sources. */
const MADE_UP = new Map([
  [0x9fa0, 'procfs'],
  [0x62656572, 'sysfs'],
  [0x27e0eb, 'cgroupfs'],
  [0x63677270, 'cgroupfs'],
  [0x1cd1, 'devpts'],
  [0x64626720, 'debugfs'],
  [0x74726163, 'tracefs'],
  [0x73636673, 'securityfs'],
  [0x62656570, 'configfs'],
  [0x6165676c, 'pstore'],
  [0xde5e81e4, 'efivarfs'],
  [0x19800202, 'mqueue'],
  [0x42494e4d, 'binfmt_misc'],
  [0xcafe4a11, 'bpffs'],
  [0x65735543, 'fusectl'],
  [0x67596969, 'rpc_pipefs'],
  [0x6e736673, 'nsfs'],
  [0x7655821, 'resctrl'],
  [0xf97cff8c, 'selinuxfs'],
  [0x43415d53, 'smackfs'],
  [0x5a3c69f0, 'apparmorfs'],
]);

/**
 * Node has no fstatfs(2), so this names the open file through /proc. Without /proc a path can't lead into procfs either.
 */
async function madeUp(file: fs.FileHandle, path: string): Promise<ReadProblem | null> {
  const { type } = await fs.statfs(`/proc/self/fd/${file.fd}`).catch(() => fs.statfs(path));
  const fileSystem = MADE_UP.get(type);
  return fileSystem === undefined ? null : { type: 'made-up', fileSystem };
}

function tooLarge(limit: number): ReadFile {
  return { ok: false, problem: { type: 'too-large', limit } };
}

async function failure(error: unknown, path: string): Promise<ReadProblem> {
  const code = errnoOf(error);
  switch (code) {
    case 'ENOENT':
      return { type: 'absent' };
    case 'EACCES':
    case 'EPERM':
      return { type: 'denied', cause: error };
    case 'ELOOP':
      return { type: 'link', real: await targetOf(path).catch(() => null) };
    case 'ENXIO':
      return { type: 'not-a-file', what: 'socket' };
    default:
      return { type: 'failed', code: code === '' ? String(error) : code, cause: error };
  }
}

/**
 * Returns the name to configure instead of a link. It resolves only links in the path's last part: an earlier link may
 * give a changing directory its lasting name (`..data` in a Kubernetes volume).
 */
async function targetOf(path: string): Promise<string> {
  const real = await fs.realpath(path);
  let at = path;
  for (let links = 0; links < 40 && (await fs.lstat(at)).isSymbolicLink(); links++) {
    const target = await fs.readlink(at);
    if (target.startsWith('/')) at = target;
    // `..` goes up from the real directory.
    else at = join(target.split('/').includes('..') ? await fs.realpath(dirname(at)) : dirname(at), target);
  }
  return (await fs.realpath(at)) === real ? at : real;
}
