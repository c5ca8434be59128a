import { isNode } from '../../outside/node-process.js';
import { beganAt, type ProcessFacts } from '../../outside/processes.js';

/** Why a process is not signalled, and what to do about it. */
export interface Objection {
  readonly reason: string;
  readonly hint: string;
}

/** The owner of a pid file, and when it was written. */
export interface Author {
  readonly owner: number;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
}

/** Milliseconds. The kernel's boot time is exact to a second, and clocks are slewed. */
const INEXACT = 2_000;

/**
 * Checks that a process may be sent this signal.
 * @param author of the pid file that names the process; null when the configuration names it
 * @returns null when it may
 */
export function objection(facts: ProcessFacts, signal: NodeJS.Signals, author: Author | null): Objection | null {
  const { pid, threadGroup } = facts;
  if (threadGroup === process.pid) {
    return { reason: `process ${pid} is jwtrot itself`, hint: 'the pid file is left over; start the service' };
  }
  if (threadGroup !== pid) {
    return { reason: `${pid} is a thread of process ${threadGroup}`, hint: 'name the service’s own process' };
  }
  const foreign = author === null ? null : ofSomebodyElse(facts, author);
  if (foreign !== null) return foreign;
  if (signal !== 'SIGUSR1' || !isNode(pid)) return null;
  // The service's own handler would prevent that, but the kernel doesn't show whether there is one.
  return {
    reason: `process ${pid} runs Node, which opens a debugger's port on SIGUSR1`,
    hint: 'have the service reload on SIGHUP or SIGUSR2, and set signal: HUP or USR2 here',
  };
}

/**
 * A pid file may name only its owner's processes. Root's may name another user's, since root may start a service and
 * write its pid file. Then the process must be older than the file: a younger one has reused the pid.
 */
function ofSomebodyElse(facts: ProcessFacts, { owner, writtenAt }: Author): Objection | null {
  const [user] = facts.users;
  if (user === owner) return null;
  const hint = 'the pid file may be left over: start the service; or let the service’s own user write it';
  if (owner !== 0)
    return { reason: `process ${facts.pid} belongs to user ${user}, its pid file to user ${owner}`, hint };
  const began = beganAt(facts);
  if (began !== null && began <= writtenAt + INEXACT) return null;
  return { reason: `process ${facts.pid} of user ${user} began after root had written its pid file`, hint };
}
