import type { Duration, Instant } from '../basics/clock.js';
import { dueBy } from '../questions/clock-trust.js';
import type { PlanInput } from './action.js';

/** How far this clock is ahead of the store's; null if unknown, or if the operator vouches for this clock. */
export function clockOffset({ observations, request }: Pick<PlanInput, 'observations' | 'request'>): Duration | null {
  return request.acceptClock ? null : observations.clockOffset;
}

/** The time by which the planner judges what is due (see `dueBy`). */
export function dueNow(input: Pick<PlanInput, 'now' | 'observations' | 'request'>): Instant {
  return dueBy(input.now, clockOffset(input));
}
