import type { PlanInput } from './action.js';
import { newestEventAt } from './change.js';
import { type Duration, type Instant, MINUTE } from './clock.js';
import { isClockBehind } from './due.js';
import type { Manifest } from './model.js';
import type { Policy } from './policy.js';

/*
 * What a clock that is known to be wrong must not decide. Too late is safe: a time that it stamps ahead of the true one
 * only lets keys live longer. Too early is not: neither what it takes for due because it is ahead, nor what it stamps
 * because it is behind.
 */

/** How far this clock may be from the store's own. Beyond that one of both is wrong. */
export const MOST_OFFSET: Duration = 5 * MINUTE;

/** How far this clock is ahead of the store's own; null where that is not known, or the operator vouches for this one. */
export function clockOffset({ observations, request }: Pick<PlanInput, 'observations' | 'request'>): Duration | null {
  return request.acceptClock ? null : observations.clockOffset;
}

export function isAhead(offset: Duration | null): boolean {
  return offset !== null && offset > MOST_OFFSET;
}

/** Behind the store's own clock. */
export function isBehind(offset: Duration | null): boolean {
  return offset !== null && offset < -MOST_OFFSET;
}

/** By a clock that is behind what this keyset or its store has seen, a time would be stamped too early. */
export function stampsTooEarly(
  manifest: Manifest,
  policy: Pick<Policy, 'clockSkew'>,
  now: Instant,
  offset: Duration | null,
): boolean {
  return isClockBehind(manifest, policy, now) || isBehind(offset);
}

/** The time by which something is due: by a clock that is ahead nothing is. */
export function dueBy(now: Instant, offset: Duration | null): Instant {
  return isAhead(offset) ? Number.NEGATIVE_INFINITY : now;
}

/** The same for what the planner decides. */
export function dueNow(input: Pick<PlanInput, 'now' | 'observations' | 'request'>): Instant {
  return dueBy(input.now, clockOffset(input));
}

/** By how much this clock is behind the newest event; null: by no more than clocks may differ. */
export function behindBy(manifest: Manifest | null, policy: Pick<Policy, 'clockSkew'>, now: Instant): Duration | null {
  if (manifest === null || !isClockBehind(manifest, policy, now)) return null;
  return (newestEventAt(manifest) ?? now) - now;
}
