import type { Clock, Duration, Instant } from '../../keyset/clock.js';
import { SECOND } from '../../keyset/clock.js';

/** What a handler of the SDK's middleware stack is, as far as it matters here: `response` is what HTTP answered. */
type Handler<Input extends object, Output extends { readonly response: unknown }> = (args: Input) => Promise<Output>;

/** How far this clock is from that of whoever answers: each answer carries its `Date` (RFC 9110 section 6.6.1). */
export class ClockOffset {
  /** Ahead when positive, as of the newest answer; null before the first. */
  newest: Duration | null = null;

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  /** SDK middleware that sees each attempt's answer, a refusal's too. */
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
 * The date is in whole seconds, and is of some instant between `sent` and `received`, which may lie far apart: the smallest
 * offset that explains it is known, no more.
 * @returns null where there is no date that can be read
 */
export function offsetFrom(date: string | undefined, sent: Instant, received: Instant): Duration | null {
  const at = Date.parse(date ?? '');
  if (Number.isNaN(at) || received < sent) return null;
  return Math.max(0, sent - (at + SECOND)) || Math.min(0, received - at);
}
