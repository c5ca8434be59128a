import { type Duration, SECOND } from '../keyset/clock.js';

const FIRST: Duration = 100;
const LONGEST: Duration = 2 * SECOND;

/**
 * How long until the next poll: a tenth of what was waited so far, so that a service that takes `t` is noticed within
 * `t / 10`, and one that takes minutes costs little.
 * @param waited since the last reload ended, or since the answers began to be the wanted ones
 * @param random 0 <= x < 1: 20 % either way, so that instances are not asked in step
 */
export function pollInterval(waited: Duration, random: number): Duration {
  const even = Math.min(LONGEST, Math.max(FIRST, waited / 10));
  return even * (0.8 + 0.4 * random);
}

/** What `work` comes to; rejects with the signal's reason as soon as it aborts, even if `work` does not heed it. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
