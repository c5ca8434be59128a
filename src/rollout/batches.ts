import type { Batch } from '../keyset/basics/policy.js';

/** What is to be reloaded at one service, in order. */
export interface Queue<T> {
  readonly batch: Batch;
  readonly items: readonly T[];
}

/**
 * Splits what is to be reloaded into waves, in order. A wave holds at most `most` items in all, and of each service at
 * most its own batch. `canary` puts one item before all others: of all services (`most`), or of one (its batch).
 */
export function planWaves<T>(queues: readonly Queue<T>[], most: Batch): T[][] {
  const left = queues.map(({ batch, items }) => ({ batch, items: [...items], taken: 0 }));
  const waves: T[][] = [];
  while (left.some((queue) => queue.items.length > 0)) {
    const wave: T[] = [];
    for (const queue of left) {
      const room = sizeOf(most, waves.length) - wave.length;
      const size = Math.min(queue.items.length, sizeOf(queue.batch, queue.taken), room);
      if (size === 0) continue;
      wave.push(...queue.items.splice(0, size));
      queue.taken += 1;
    }
    waves.push(wave);
  }
  return waves;
}

/** @param before how many waves there were already */
function sizeOf(batch: Batch, before: number): number {
  if (batch === 'canary') return before === 0 ? 1 : Number.POSITIVE_INFINITY;
  return batch === 'all' ? Number.POSITIVE_INFINITY : batch;
}
