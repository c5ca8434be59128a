import type { Duration, Instant } from '../keyset/clock.js';
import { stampsTooEarly } from '../keyset/clock-trust.js';
import type { Manifest } from '../keyset/model.js';
import type { Run } from './run.js';

/** By this run's clock a time would be stamped too early: it is behind, or was when the run began. */
export function stampsEarly(run: Run, manifest: Manifest, at: Instant): boolean {
  const { context, request, behindAtStart } = run;
  if (behindAtStart !== null && !request.acceptClock) return true;
  return stampsTooEarly(manifest, context.policy, at, offsetOf(run));
}

/** How far this clock is ahead of the store's own, where that is known and counts. */
export function offsetOf({ context, request }: Run): Duration | null {
  return request.acceptClock ? null : context.store.clockOffset();
}
