import { type Duration, SECOND } from '../keyset/basics/clock.js';

const FIRST: Duration = 100;
const LONGEST: Duration = 2 * SECOND;

/**
 * The time until the next poll, in milliseconds: a tenth of the time waited so far. So a service that is ready after `t`
 * is noticed within `t / 10`, and one that takes minutes costs few polls.
 * @param waited since the last reload ended, or since the first wanted answer after it
 * @param random 0 <= x < 1, for jitter of 20 % either way, so that instances are not polled in step
 */
export function pollInterval(waited: Duration, random: number): Duration {
  const even = Math.min(LONGEST, Math.max(FIRST, waited / 10));
  return even * (0.8 + 0.4 * random);
}

/** Settles as `work` does, but rejects with the signal's reason as soon as that aborts, even if `work` ignores it. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
