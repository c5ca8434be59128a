/** A point in time: milliseconds since the Unix epoch, UTC. RFC 3339 in the manifest. */
export type Instant = number;
/** A length of time in milliseconds. */
export type Duration = number;

export const SECOND: Duration = 1_000;
export const MINUTE: Duration = 60 * SECOND;
export const HOUR: Duration = 60 * MINUTE;
export const DAY: Duration = 24 * HOUR;

/** The source of time. Tests and the simulation pass their own. */
export interface Clock {
  /** Wall clock. May jump. */
  now(): Instant;
  /** Monotonic clock, milliseconds from an arbitrary start. Never goes back. */
  monotonic(): number;
  /** Resolves after `duration`; rejects with the signal's reason when it aborts first. */
  sleep(duration: Duration, signal?: AbortSignal): Promise<void>;
}
