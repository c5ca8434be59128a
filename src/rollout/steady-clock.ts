import type { Clock, Instant } from '../keyset/basics/clock.js';

/**
 * The clock of an incident: its wall clock never goes back. An incident's deadline is an instant, so a clock that is set back
 * during the run would put it off, past the time at which the run is ended from outside. What is stamped by it may be
 * too late, which is safe; too early is not.
 */
export function steadyClock(clock: Clock): Clock {
  const began = { wall: clock.now(), monotonic: clock.monotonic() };
  return {
    now: (): Instant => Math.max(clock.now(), Math.floor(began.wall + clock.monotonic() - began.monotonic)),
    monotonic: () => clock.monotonic(),
    sleep: (duration, signal) => clock.sleep(duration, signal),
  };
}
