import type { Health } from './service.js';

/** Counts the answers that showed what is wanted, and nothing else since. */
export interface Tally {
  /** @param worker tells apart who answered; null when it is not known */
  add(met: boolean, worker: string | null): void;
  reset(): void;
  isComplete(): boolean;
  /** What is lacking, for a person. */
  missing(): string;
}

/**
 * `confirmations`: so many answers in a row. `distinct`: so many different workers, with no other answer in between; one
 * answer through a load balancer or from a prefork server proves little.
 */
export function createTally({ confirmations, distinct }: Pick<Health, 'confirmations' | 'distinct'>): Tally {
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
      // More than are asked for cost memory and prove nothing new.
      if (worker !== null && !enoughWorkers()) workers.add(worker);
    },
    reset,
    isComplete: () => inRow >= confirmations && enoughWorkers(),
    missing() {
      if (distinct === null || enoughWorkers()) return `${inRow} of ${confirmations} answers in a row`;
      if (workers.size === 0) return `answers name no worker at ${JSON.stringify(distinct.pointer)}`;
      return `only ${workers.size} of ${distinct.count} different workers answered so far`;
    },
  };
}
