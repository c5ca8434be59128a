/** A point in time: milliseconds since the Unix epoch, UTC. In the manifest it is written as RFC 3339. */
export type Instant = number;
/** A length of time in milliseconds. */
export type Duration = number;

export const SECOND: Duration = 1_000;
export const MINUTE: Duration = 60 * SECOND;
export const HOUR: Duration = 60 * MINUTE;
export const DAY: Duration = 24 * HOUR;

/** Time, handed in so that tests and the simulation own it. */
export interface Clock {
  /** Wall clock. May jump. */
  now(): Instant;
  /** Monotonic clock, milliseconds from an arbitrary start. Never goes back. */
  monotonic(): number;
  /** Resolves after `duration`; rejects with the signal's reason when it aborts first. */
  sleep(duration: Duration, signal?: AbortSignal): Promise<void>;
}
