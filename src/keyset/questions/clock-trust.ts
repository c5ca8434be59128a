import { type Duration, type Instant, MINUTE } from '../basics/clock.js';
import type { Policy } from '../basics/policy.js';
import type { Manifest } from '../manifest/model.js';
import { isClockBehind } from './due.js';
import { newestEventAt } from './events.js';

/*
 * Limits what a wrong clock decides. Too late is safe: a time stamped ahead of the true one only lets keys live longer.
 * Too early is not safe: a clock that is ahead takes things for due too early, and one that is behind stamps them too
 * early.
 */

/** The largest allowed distance between this clock and the store's. Beyond it, one of the two is wrong. */
export const MOST_OFFSET: Duration = 5 * MINUTE;

export function isAhead(offset: Duration | null): boolean {
  return offset !== null && offset > MOST_OFFSET;
}

/** Behind the store's own clock. */
export function isBehind(offset: Duration | null): boolean {
  return offset !== null && offset < -MOST_OFFSET;
}

/** True if this clock is behind what the keyset or its store has seen: it would stamp times too early. */
export function stampsTooEarly(
  manifest: Manifest,
  policy: Pick<Policy, 'clockSkew'>,
  now: Instant,
  offset: Duration | null,
): boolean {
  return isClockBehind(manifest, policy, now) || isBehind(offset);
}

/** The time for judging what is due. If the clock is ahead, nothing is due. */
export function dueBy(now: Instant, offset: Duration | null): Instant {
  return isAhead(offset) ? Number.NEGATIVE_INFINITY : now;
}

/** How far this clock is behind the newest event; null: within `clockSkew`. */
export function behindBy(manifest: Manifest | null, policy: Pick<Policy, 'clockSkew'>, now: Instant): Duration | null {
  if (manifest === null || !isClockBehind(manifest, policy, now)) return null;
  return (newestEventAt(manifest) ?? now) - now;
}
