import type { Duration } from '../basics/clock.js';
import { SECOND } from '../basics/clock.js';
import { formatDuration } from '../basics/duration.js';
import type { Policy } from '../basics/policy.js';

/** How long a JWKS server lets its set be cached. */
export interface Cacheable {
  /** Without parts that may be secret. */
  readonly url: string;
  readonly maxAge: Duration;
}

/** Warns if a JWKS may be cached longer than the policy assumes: a new key could sign before every verifier has it. */
export function cachedLonger(
  policy: Pick<Policy, 'jwksMaxAge' | 'publishAhead' | 'clockSkew'>,
  served: readonly Cacheable[],
): { message: string; hint: string } | null {
  const longer = served.filter(({ maxAge }) => maxAge > policy.jwksMaxAge);
  if (longer.length === 0) return null;
  const most = Math.max(...longer.map(({ maxAge }) => maxAge));
  const who = longer.map(({ url, maxAge }) => `${url} for ${formatDuration(maxAge)} (max-age=${maxAge / SECOND})`);
  const least = most + policy.clockSkew;
  const ahead = policy.publishAhead < least ? ` and publishAhead to at least ${formatDuration(least)}` : '';
  return {
    message: `verifiers may cache the JWKS from ${who.join(', from ')}, and jwksMaxAge is ${formatDuration(policy.jwksMaxAge)}: they would reject tokens of a key that they have not seen yet`,
    hint: `raise jwksMaxAge to at least ${formatDuration(most)}${ahead}, or lower max-age in the server's Cache-Control`,
  };
}
