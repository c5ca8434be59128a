import type { Duration } from '../keyset/basics/clock.js';

export interface TurnstileOptions {
  /** How many pieces of work may be under way, not counting those that hang. */
  readonly atOnce: number;
  /** Milliseconds after which a piece of work hangs and makes room for another. */
  readonly patience: Duration;
  /** How many may be under way in all. */
  readonly most: number;
}

/** If the event loop is busier than this, the process itself is slow: more work at once would make it slower. */
const BUSY = 0.5;

/** Starts work in order of arrival, and limits how much of it is under way. */
export interface Turnstile {
  /** Settles as `work` does. Rejects with the signal's reason when that aborts before `work` has begun. */
  pass<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/**
 * Polling a thousand instances at the same time would take a thousand sockets, so they share a few. Instances that hang
 * don't delay the others, up to the limit `most`.
 */
export function createTurnstile({ atOnce, patience, most }: TurnstileOptions): Turnstile {
  const queue = new Set<() => void>();
  /** Work under way that does not hang. */
  let patient = 0;
  let all = 0;
  const isFull = () => patient >= atOnce || all >= most;

  function admit(): void {
    patient += 1;
    all += 1;
  }

  function letIn(): void {
    for (const enter of queue) {
      if (isFull()) return;
      queue.delete(enter);
      admit();
      enter();
    }
  }

  /** Runs work that was admitted. */
  async function carryOut<T>(work: () => Promise<T>): Promise<T> {
    const began = performance.eventLoopUtilization();
    let hangs = false;
    const timer = setInterval(() => {
      if (performance.eventLoopUtilization(began).utilization > BUSY) return;
      clearInterval(timer);
      hangs = true;
      patient -= 1;
      letIn();
    }, patience);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      if (!hangs) patient -= 1;
      all -= 1;
      letIn();
    }
  }

  return {
    async pass(work, signal) {
      if (queue.size === 0 && !isFull()) admit();
      else await turn(queue, signal);
      return carryOut(work);
    },
  };
}

/** Waits to be admitted. Rejects when the signal aborts first. */
function turn(queue: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      queue.delete(enter);
      reject(signal.reason);
    };
    const enter = () => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    if (signal.aborted) return leave();
    signal.addEventListener('abort', leave, { once: true });
    queue.add(enter);
  });
}
