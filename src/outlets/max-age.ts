import { type Duration, SECOND } from '../keyset/clock.js';
import { requestOnce } from '../outside/http.js';

/**
 * How long the server of a JWKS lets it be cached: `max-age` of its `Cache-Control` (RFC 9111 section 5.2.2.1).
 * @returns milliseconds; null when it does not say, or does not answer
 */
export async function servedMaxAge(url: string, timeout: Duration, signal: AbortSignal): Promise<Duration | null> {
  const answer = await requestOnce({ url, method: 'GET', timeout, signal });
  return answer.ok ? maxAgeOf(answer.cacheControl) : null;
}

/** @param cacheControl the header's value */
export function maxAgeOf(cacheControl: string | null): Duration | null {
  if (cacheControl === null) return null;
  if (/(?:^|,)\s*no-(?:store|cache)\s*(?:,|$)/i.test(cacheControl)) return 0;
  const seconds = /(?:^|,)\s*max-age\s*=\s*"?(\d{1,10})"?\s*(?:,|$)/i.exec(cacheControl)?.[1];
  return seconds === undefined ? null : Number(seconds) * SECOND;
}
