import { type Duration, SECOND } from '../keyset/basics/clock.js';
import { type KeysInMemory, since } from './keys-in-memory.js';
import type { Limits } from './limits.js';
import type { Settings } from './settings.js';
import type { Surroundings } from './surroundings.js';

/** So that many processes that were started together do not ask together. */
const JITTER = 0.1;

/** What the read that is over has left. */
export interface Outcome {
  readonly isWell: boolean;
  /** As the source says; null: it doesn't. */
  readonly maxAge: Duration | null;
  readonly keys: KeysInMemory;
}

export interface Pace {
  readonly settings: Pick<Settings, 'cooldown' | 'timeout' | 'role'>;
  readonly limits: Limits;
  readonly surroundings: Pick<Surroundings, 'now' | 'monotonic' | 'random'>;
}

/**
 * How long after a read the next one begins: after a failure sooner than usual, and always before what is held may no
 * longer be trusted. An answer may have been old when it came.
 */
export function nextRead({ isWell, maxAge, keys }: Outcome, pace: Pace): Duration {
  const { settings, limits, surroundings } = pace;
  const { refresh } = limits;
  const soon = Math.min(refresh, settings.cooldown);
  const wanted = isWell ? Math.min(refresh, Math.max(maxAge ?? refresh, soon)) : soon;
  return Math.min(wanted, latest(trustLeft(keys, pace), settings.timeout)) * (1 - JITTER * surroundings.random());
}

/** @param left Infinity: for ever */
function latest(left: Duration, timeout: Duration): Duration {
  if (left <= 0 || !Number.isFinite(left)) return Number.POSITIVE_INFINITY;
  // The read takes its time, too.
  return Math.max(SECOND, left - Math.max(left / 10, Math.min(timeout, left / 2)));
}

function trustLeft({ publicAsOf, privateAsOf, preloaded }: KeysInMemory, pace: Pace): Duration {
  const { settings, limits, surroundings } = pace;
  const ends: Duration[] = [];
  if (publicAsOf !== null && limits.keepsSetFresh) ends.push(limits.staleAfter - since(publicAsOf, surroundings));
  if (privateAsOf !== null && preloaded.size > 0 && settings.role !== 'verifier')
    ends.push(limits.signStaleAfter - since(privateAsOf, surroundings));
  // What is over already is read again at the usual pace.
  return Math.min(...ends.filter((end) => end > 0));
}
