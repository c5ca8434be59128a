import type { Clock, Duration } from '../keyset/basics/clock.js';
import { errnoOf } from './errno.js';
import { strangeness } from './node-process.js';
import { descendantsOf, processFacts, startTimeOf } from './processes.js';

/** The wait after SIGTERM before SIGKILL, and then for the process to be gone. */
const GRACE: Duration = 2_000;
const POLL_INTERVAL: Duration = 20;

/** A process. Its start time tells it from a later process with the same pid. */
interface Known {
  readonly pid: number;
  readonly startTime: string;
}

/**
 * Ends another run of this program and its descendants: SIGTERM, after 2 s SIGKILL.
 *
 * Node has no pidfd, so it checks the start time directly before each signal. In the microseconds between the two the
 * process may end, and if the kernel has used up all other pids since, another process may get its pid.
 * @param which `script`: this program's own file, as it was called; `works`: whether a process has the same work
 * @returns why it was left alone; null when it is gone, or was signalled
 */
export async function endOwnProcess(
  known: Known,
  { script, works }: { readonly script: string; readonly works: (pid: number) => Promise<boolean> },
  clock: Clock,
): Promise<string | null> {
  const facts = processFacts(known.pid);
  if (facts?.startTime !== known.startTime) return null;
  if (known.pid < 2) return 'it is no process of a run';
  // A forged lease could name this run or its parent, the watchdog.
  if (known.pid === process.pid || known.pid === process.ppid) return 'it is this very run';
  const reason = strangeness(facts, script);
  if (reason !== null) return reason;
  if (!(await works(known.pid))) return 'it does not work on this keyset in this store';
  const family = descendantsOf(known.pid).flatMap((pid) => {
    const startTime = startTimeOf(pid);
    return startTime === null ? [] : [{ pid, startTime }];
  });
  const refused = signal(known, 'SIGTERM');
  if (refused !== null) return refused;
  if (!(await endWithin([known], clock))) signal(known, 'SIGKILL');
  // A surviving child may still reload a service with outdated data.
  for (const child of family) signal(child, 'SIGKILL');
  await endWithin([known, ...family], clock);
  return null;
}

/** @returns why the signal was refused; null when it was sent or the process is gone */
function signal({ pid, startTime }: Known, name: NodeJS.Signals): string | null {
  if (startTimeOf(pid) !== startTime) return null;
  try {
    process.kill(pid, name);
    return null;
  } catch (error) {
    return errnoOf(error) === 'ESRCH' ? null : 'this user may not end it';
  }
}

async function endWithin(all: readonly Known[], clock: Clock): Promise<boolean> {
  const end = clock.monotonic() + GRACE;
  while (all.some(({ pid, startTime }) => startTimeOf(pid) === startTime)) {
    if (clock.monotonic() >= end) return false;
    await clock.sleep(POLL_INTERVAL);
  }
  return true;
}
