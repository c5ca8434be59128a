import { setTimeout as sleep } from 'node:timers/promises';

/** How long a process group has between SIGTERM and SIGKILL, in milliseconds. */
const GRACE = 2_000;
const LOOK_AGAIN = 25;

/** Ends every process of a group: SIGTERM, after 2 s SIGKILL. Resolves when it is gone or SIGKILL was sent. */
export async function endProcessGroup(leader: number): Promise<void> {
  if (!signalGroup(leader, 'SIGTERM')) return;
  for (let waited = 0; waited < GRACE; waited += LOOK_AGAIN) {
    await sleep(LOOK_AGAIN);
    if (!signalGroup(leader, 0)) return;
  }
  signalGroup(leader, 'SIGKILL');
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
