import type { Clock, Duration, Instant } from '../../keyset/basics/clock.js';
import { SECOND } from '../../keyset/basics/clock.js';

/** The part of an SDK middleware handler that matters here. `response` is the HTTP response. */
type Handler<Input extends object, Output extends { readonly response: unknown }> = (args: Input) => Promise<Output>;

/** How far this clock is from the server's, by the `Date` of each answer (RFC 9110 section 6.6.1). */
export class ClockOffset {
  /** By the newest answer; positive: this clock is ahead; null: no answer yet. */
  newest: Duration | null = null;

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  /** SDK middleware that sees the answer to each attempt, even a refusal. */
  readonly watch = <Input extends object, Output extends { readonly response: unknown }>(
    next: Handler<Input, Output>,
  ): Handler<Input, Output> => {
    return async (args) => {
      const sent = this.clock.now();
      const result = await next(args);
      this.newest = offsetFrom(dateOf(result.response), sent, this.clock.now()) ?? this.newest;
      return result;
    };
  };
}

function dateOf(response: unknown): string | undefined {
  const { headers } = (response ?? {}) as { headers?: Record<string, string | undefined> };
  return headers?.['date'];
}

/**
 * The date has whole seconds, and was set at some instant between `sent` and `received`, which may be far apart. So all
 * we know is the smallest offset that explains it.
 * @returns null: there is no readable date
 */
export function offsetFrom(date: string | undefined, sent: Instant, received: Instant): Duration | null {
  const at = Date.parse(date ?? '');
  if (Number.isNaN(at) || received < sent) return null;
  return Math.max(0, sent - (at + SECOND)) || Math.min(0, received - at);
}
