import type { Environment } from './environment.js';

/** Milliseconds. The process ends within 5 s of SIGTERM. */
export const GRACE = 4_000;
/** A worker's grace, in milliseconds: its supervisor must hear of the end in time. */
const WORKERS_GRACE = 3_000;

/**
 * Rejects with the interruption once the grace is over. The step under way usually ends before that. But a call to a
 * store may take 20 s and can't be taken back: the run abandons it, and the next run goes on as after a power cut. If
 * Node's pool is blocked, leave.ts ends the process anyway.
 */
export function graceOver({ signal, clock, supervisor }: Environment): Promise<never> {
  const grace = supervisor === null ? GRACE : WORKERS_GRACE;
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => void clock.sleep(grace).then(() => reject(signal.reason)), { once: true });
  });
}
