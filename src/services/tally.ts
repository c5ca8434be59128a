import type { Health } from './health-kinds.js';

/** Counts consecutive answers that show what is wanted. */
export interface Tally {
  /** @param worker identifies the worker that answered; null when unknown */
  add(met: boolean, worker: string | null): void;
  reset(): void;
  isComplete(): boolean;
  /** What is still missing, for a person. */
  missing(): string;
}

/** A service without health has no type. */
type Counted = Pick<Health, 'confirmations' | 'distinct'> & { readonly type?: Health['type'] };

/**
 * Complete after `confirmations` wanted answers in a row that come from `distinct.count` different workers: one answer
 * through a load balancer or from a prefork server proves little.
 */
export function createTally({ type, confirmations, distinct }: Counted): Tally {
  const workers = new Set<string>();
  let inRow = 0;
  const reset = () => {
    inRow = 0;
    workers.clear();
  };
  const enoughWorkers = () => distinct === null || workers.size >= distinct.count;
  return {
    add(met, worker) {
      if (!met) return reset();
      inRow += 1;
      // More workers than needed would take memory and prove nothing new.
      if (worker !== null && !enoughWorkers()) workers.add(worker);
    },
    reset,
    isComplete: () => inRow >= confirmations && enoughWorkers(),
    missing() {
      if (distinct === null || enoughWorkers()) return `${inRow} of ${confirmations} answers in a row`;
      const noWorker = `answers name no worker at ${JSON.stringify(distinct.pointer)}`;
      if (workers.size === 0)
        return type === 'canary' ? `${noWorker}, or those of one look came from different workers` : noWorker;
      return `only ${workers.size} of ${distinct.count} different workers answered so far`;
    },
  };
}
