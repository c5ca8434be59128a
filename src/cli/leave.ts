import { killRunningGroups } from '../outside/process-group.js';
import type { TextStream } from './streams.js';

/** How long a reader has to take the printed text, in milliseconds. */
const READER_TIME = 10_000;
/** The same if it must be quick, and the time that Node's pool has to finish its work. */
const URGENT_TIME = 500;
const POLL_INTERVAL = 20;

export interface Leaving {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  /** Interrupted, or an incident: a slow reader gets less time. */
  readonly isUrgent: boolean;
}

/**
 * Ends this process. exit(3) joins the threads of Node's pool. If a file operation hangs in one (a dead NFS server),
 * exit(3) never returns, and only SIGKILL ends the process. So this sends SIGKILL then: the status (137 in a shell)
 * shows what happened, and everything else was done and printed before.
 */
export async function leave(exit: number, { stdout, stderr, isUrgent }: Leaving): Promise<never> {
  killRunningGroups();
  // exit(3) drops text that a pipe or a terminal has not taken yet.
  await atMost(isUrgent ? URGENT_TIME : READER_TIME, () => waiting(stdout) + waiting(stderr) === 0);
  if (!(await atMost(URGENT_TIME, () => !isPoolBusy()))) process.kill(process.pid, 'SIGKILL');
  process.exit(exit);
}

/**
 * Node blocks until a terminal takes its text. A stopped terminal (Ctrl-S), or one whose connection hangs, would hold
 * up the whole process. This keeps the text in memory instead. There is no public call for it.
 */
export function neverWaitFor(stream: TextStream & { _handle?: { setBlocking?(isBlocking: boolean): unknown } }): void {
  if (stream.isTTY === true) stream._handle?.setBlocking?.(false);
}

function waiting({ writableLength = 0 }: TextStream): number {
  return writableLength;
}

/** True while file operations or name look-ups have not returned. */
function isPoolBusy(): boolean {
  return process.getActiveResourcesInfo().some((resource) => /^(FS|Get(Addr|Name)Info)Req/.test(resource));
}

/** @returns true if it came true within `limit` milliseconds */
async function atMost(limit: number, isTrue: () => boolean): Promise<boolean> {
  for (let waited = 0; !isTrue(); waited += POLL_INTERVAL) {
    if (waited >= limit) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL));
  }
  return true;
}
