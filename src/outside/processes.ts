import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { errnoOf } from './errno.js';

/** What the kernel says about a process (proc(5)). */
export interface ProcessFacts {
  readonly pid: number;
  /** In clock ticks since boot. Together with the pid it identifies a process until the next boot. */
  readonly startTime: string;
  /** For a thread, the pid of its process; for a process, its own pid. */
  readonly threadGroup: number;
  /**
   * Real, effective, saved and file system user. The owner of /proc/PID is root for a process that dropped privileges.
   */
  readonly users: readonly number[];
}

/** @returns null when /proc shows no such process, or only a zombie */
export function processFacts(pid: number): ProcessFacts | null {
  const startTime = startTimeOf(pid);
  const status = contentOf(`/proc/${pid}/status`);
  if (startTime === null || status === null) return null;
  const numbersAt = (name: string) =>
    new RegExp(`^${name}:((?:\\s+\\d+)+)$`, 'm').exec(status)?.[1]?.trim().split(/\s+/).map(Number) ?? [];
  const [threadGroup] = numbersAt('Tgid');
  const users = numbersAt('Uid');
  return threadGroup === undefined || users.length === 0 ? null : { pid, startTime, threadGroup, users };
}

const STATE = 0; // field 3
const PPID = 1; // field 4
const START_TIME = 19; // field 22
/** USER_HZ; it is 100 on every architecture that Node runs on. */
const TICKS_A_SECOND = 100;

/** proc_pid_stat(5): the command name may hold spaces and brackets, so fields are counted after the last bracket. */
function statFields(pid: number): string[] | null {
  const stat = contentOf(`/proc/${pid}/stat`);
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** @returns null when there is no such process, or it is a zombie */
export function startTimeOf(pid: number): string | null {
  const fields = statFields(pid);
  return fields === null || fields[STATE] === 'Z' ? null : (fields[START_TIME] ?? null);
}

/**
 * @returns when a process began by the wall clock, in milliseconds since the epoch, to within a second; null when unknown
 */
export function beganAt({ startTime }: ProcessFacts): number | null {
  const boot = /^btime (\d+)$/m.exec(contentOf('/proc/stat') ?? '')?.[1];
  return boot === undefined ? null : (Number(boot) + Number(startTime) / TICKS_A_SECOND) * 1_000;
}

/** True when a process exists but /proc hides it from this user (hidepid=, or systemd's ProtectProc=). */
export function isHidden(pid: number): boolean {
  if (statFields(pid) !== null) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
  return statFields(pid) === null; // otherwise it began between the two checks
}

/** @returns the pids of a process's running children, and of theirs */
export function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const parent = /^\d+$/.test(entry) ? statFields(Number(entry))?.[PPID] : undefined;
    if (parent === undefined) continue;
    const known = children.get(Number(parent)) ?? [];
    children.set(Number(parent), [...known, Number(entry)]);
  }
  const all: number[] = [];
  for (const queue = [pid]; queue.length > 0; ) {
    const next = children.get(queue.pop() as number) ?? [];
    all.push(...next);
    queue.push(...next);
  }
  return all;
}

/** A process's command line; empty for a kernel thread, or when it can't be read. */
export function argumentsOf(pid: number): string[] {
  return contentOf(`/proc/${pid}/cmdline`)?.split('\0').slice(0, -1) ?? [];
}

/** Where a link of a process points, without the kernel's ` (deleted)` for a replaced file; null when unreadable. */
export function linkOf(pid: number, name: 'exe' | 'cwd'): string | null {
  try {
    return readlinkSync(`/proc/${pid}/${name}`).replace(/ \(deleted\)$/, '');
  } catch {
    return null;
  }
}

function contentOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
