import { type Duration, type Instant, SECOND } from '../keyset/basics/clock.js';
import type { Manifest } from '../keyset/manifest/model.js';
import type { Request } from '../keyset/planning/action.js';
import { stampsTooEarly } from '../keyset/questions/clock-trust.js';
import type { KeysetContext } from './context.js';

/** What tells how far a run can trust its clock. */
export interface Clocked {
  readonly context: Pick<KeysetContext, 'clock' | 'policy' | 'store'>;
  readonly request: Pick<Request, 'acceptClock'>;
  /** By how much this clock was behind the newest event when the run began; null: not behind, as far as is known. */
  readonly behindAtStart: Duration | null;
  /** Both clocks when the run began. Compared later, they show whether the wall clock was set back since. */
  readonly began: { readonly wall: Instant; readonly monotonic: Duration };
}

/** Two clocks are never read at the same instant: a machine that is slow to answer is not a clock set back. */
const LEAST_SET_BACK: Duration = 5 * SECOND;

/**
 * By how much this clock is behind: it was behind the newest event when the run began, or the monotonic clock shows
 * that it was set back since. Null: not behind, as far as is known.
 */
export function knownBehind({ context: { clock, policy }, behindAtStart, began }: Clocked): Duration | null {
  const setBack = clock.monotonic() - began.monotonic - (clock.now() - began.wall);
  const most = Math.max(policy.clockSkew, LEAST_SET_BACK);
  return setBack > most ? setBack + (behindAtStart ?? 0) : behindAtStart;
}

/** This run's clock would stamp a time too early: it is behind, or was when the run began. */
export function stampsEarly(run: Clocked, manifest: Manifest, at: Instant): boolean {
  const { context, request } = run;
  if (knownBehind(run) !== null && !request.acceptClock) return true;
  return stampsTooEarly(manifest, context.policy, at, offsetOf(run));
}

/** How far this clock is ahead of the store's own; null: unknown, or the operator has accepted this clock. */
export function offsetOf({ context, request }: Clocked): Duration | null {
  return request.acceptClock ? null : context.store.clockOffset();
}
