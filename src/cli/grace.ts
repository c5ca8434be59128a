import type { Environment } from './environment.js';

/** A supervisor that said SIGTERM is answered within 5 s. */
const GRACE = 4_000;

/**
 * Rejects with the interruption some time after it came. A step under way ends by itself as a rule; but a call to a store
 * may take 20 s, and can't be taken back: it is left where the next run finds it, as after a power cut.
 */
export function graceOver({ signal, clock }: Pick<Environment, 'signal' | 'clock'>): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => void clock.sleep(GRACE).then(() => reject(signal.reason)), { once: true });
  });
}
