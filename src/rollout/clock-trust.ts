import { type Duration, type Instant, SECOND } from '../keyset/clock.js';
import { stampsTooEarly } from '../keyset/clock-trust.js';
import type { Manifest } from '../keyset/model.js';
import type { Run } from './run.js';

/** Two readings of two clocks are never of the same instant; a machine that is slow to answer is not a clock set back. */
const LEAST_SET_BACK: Duration = 5 * SECOND;

/**
 * By how much this clock is behind: it was behind the newest event when the run began, or has been set back since, which
 * the monotonic clock shows. Null: it is not, as far as is known.
 */
export function knownBehind({ context: { clock, policy }, behindAtStart, began }: Run): Duration | null {
  const setBack = clock.monotonic() - began.monotonic - (clock.now() - began.wall);
  const most = Math.max(policy.clockSkew, LEAST_SET_BACK);
  return setBack > most ? setBack + (behindAtStart ?? 0) : behindAtStart;
}

/** By this run's clock a time would be stamped too early: it is behind, or was when the run began. */
export function stampsEarly(run: Run, manifest: Manifest, at: Instant): boolean {
  const { context, request } = run;
  if (knownBehind(run) !== null && !request.acceptClock) return true;
  return stampsTooEarly(manifest, context.policy, at, offsetOf(run));
}

/** How far this clock is ahead of the store's own, where that is known and counts. */
export function offsetOf({ context, request }: Run): Duration | null {
  return request.acceptClock ? null : context.store.clockOffset();
}
