import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../../src/keyset/basics/clock.js';

/** The real one. */
export const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(duration, signal) {
    try {
      await wait(duration, undefined, { signal });
    } catch (error) {
      throw signal?.reason ?? error;
    }
  },
};
