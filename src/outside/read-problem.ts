import { own } from '../keyset/basics/foreign-json.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { WayProblem } from './trusted-way.js';

/** Why the guarded reader did not read a file. */
export type ReadProblem =
  | { readonly type: 'absent' }
  | { readonly type: 'denied'; readonly cause: unknown }
  /** `real`: where the link leads; null when unknown. */
  | { readonly type: 'link'; readonly real: string | null }
  | { readonly type: 'not-a-file'; readonly what: 'directory' | 'FIFO' | 'device' | 'socket' }
  | { readonly type: 'too-large'; readonly limit: number }
  /** On a file system that generates its files: procfs, sysfs, cgroupfs and the like. */
  | { readonly type: 'made-up'; readonly fileSystem: string }
  | { readonly type: 'owner'; readonly owner: number; readonly uid: number }
  | { readonly type: 'mode'; readonly mode: number }
  /** Somebody else may have put it there. */
  | { readonly type: 'misplaced'; readonly way: WayProblem }
  /** A failed system call. */
  | { readonly type: 'failed'; readonly code: string; readonly cause: unknown };

const FAILURES: Readonly<Record<string, string>> = {
  ENOTDIR: 'a part of its path is no directory',
  EAGAIN: 'another process holds a lease on it',
  ETIMEDOUT: 'it does not answer: is the server of its file system gone?',
};

/** A clause for a message that already names the file, such as `it is a FIFO, not a regular file`. */
export function readProblemReason(problem: ReadProblem): string {
  switch (problem.type) {
    case 'absent':
      return 'no such file';
    case 'denied':
      return 'permission denied';
    case 'link':
      return problem.real === null
        ? 'it is a symbolic link'
        : `it is a symbolic link: configure the file that it leads to, ${quoteOutside(problem.real)}`;
    case 'not-a-file':
      return `it is a ${problem.what}, not a regular file`;
    case 'too-large':
      return `it is larger than ${problem.limit} bytes`;
    case 'made-up':
      return `it lies in ${problem.fileSystem}, which is not a file system on a disk or in memory`;
    case 'owner':
      return problem.uid === 0
        ? `it belongs to user ${problem.owner}, not to root`
        : `it belongs to user ${problem.owner}, neither to root nor to user ${problem.uid}, who runs jwtrot`;
    case 'mode':
      return `its mode ${octal(problem.mode)} lets others ${(problem.mode & 0o022) === 0 ? 'read' : 'write'} it`;
    case 'misplaced':
      return misplacedReason(problem.way);
    case 'failed':
      return own(FAILURES, problem.code) ?? problem.code;
  }
}

function misplacedReason(way: WayProblem): string {
  const path = quoteOutside(way.path);
  switch (way.type) {
    case 'writable':
      return `its folder ${path} can be written by others (mode ${octal(way.mode)}), who could put another file there: chmod o-w ${path}`;
    case 'loop':
      return 'it is a symbolic link that leads nowhere';
    case 'owner':
    case 'planted':
      return `${path} belongs to user ${way.owner}, who is neither root, nor the user of this process, nor the owner of its folder: give it to one of them (chown -h)`;
  }
}

export function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

/** The underlying error, for `cause`; undefined when there is none. */
export function readProblemCause(problem: ReadProblem): unknown {
  return problem.type === 'failed' || problem.type === 'denied' ? problem.cause : undefined;
}
