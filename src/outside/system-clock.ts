import type { Clock } from '../keyset/basics/clock.js';
import { monotonic } from './monotonic.js';

/** Milliseconds (24.8 days). Node turns a longer timer into one of 1 ms, with a warning. */
const LONGEST_TIMER = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic,
  sleep: (duration, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', stop);
          resolve();
        },
        Math.min(duration, LONGEST_TIMER),
      );
      signal?.addEventListener('abort', stop, { once: true });
    }),
};
