import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between SIGTERM and SIGKILL. */
const GRACE = 2_000;
const POLL_INTERVAL = 25;

/** Ends every process of a group: SIGTERM, after 2 s SIGKILL. Resolves when the group is gone or SIGKILL was sent. */
export async function endProcessGroup(leader: number): Promise<void> {
  if (!signalGroup(leader, 'SIGTERM')) return;
  for (let waited = 0; waited < GRACE; waited += POLL_INTERVAL) {
    await sleep(POLL_INTERVAL);
    if (!signalGroup(leader, 0)) return;
  }
  signalGroup(leader, 'SIGKILL');
}

/** The process groups of commands that have not ended. */
const running = new Set<number>();

/** Makes a process group end with this process. @returns a function that undoes that */
export function endsWithUs(leader: number): () => void {
  running.add(leader);
  return () => void running.delete(leader);
}

/** Call before this process ends: one with a deadline can't wait for a command that ignores SIGTERM. */
export function killRunningGroups(): void {
  for (const leader of running) signalGroup(leader, 'SIGKILL');
}

/** @returns false when the group is gone */
function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-leader, signal);
    return true;
  } catch {
    return false;
  }
}
