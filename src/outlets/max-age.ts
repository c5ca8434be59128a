import { type Duration, SECOND } from '../keyset/clock.js';
import { requestOnce } from '../outside/http.js';
import { LONGEST_FILE } from './read-file.js';

/**
 * How long the server of a JWKS lets it be cached, at most, on its way to a verifier and there.
 * @returns milliseconds; null when it does not say, or does not answer
 */
export async function servedMaxAge(url: string, timeout: Duration, signal: AbortSignal): Promise<Duration | null> {
  const answer = await requestOnce({ url, method: 'GET', timeout, signal, maxBytes: LONGEST_FILE });
  return answer.ok ? maxAgeOf(answer.cacheControl) : null;
}

/** RFC 9111 section 5.2: a token, with a token or a quoted string (which may hold commas) for its argument. */
const DIRECTIVE = /([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g;
/** Section 1.2.2: what a cache takes anything larger for. */
const LONGEST = 2 ** 31;

/**
 * The freshness lifetime that a `Cache-Control` grants (RFC 9111 section 4.2.1). A shared cache may pass on what is as old
 * as `s-maxage`, so the longer of both counts; `Age` uses up the same lifetime and adds nothing. Of several values the
 * longest counts too, since caches differ in which they take.
 * @param cacheControl the header's value
 */
export function maxAgeOf(cacheControl: string | null): Duration | null {
  const found = [...(cacheControl ?? '').matchAll(DIRECTIVE)].map(([, name = '', quoted, token]) => ({
    name: name.toLowerCase(),
    argument: quoted ?? token,
  }));
  // With field names for an argument they are about these fields alone.
  const says = (name: string) => found.some((one) => one.name === name && one.argument === undefined);
  if (says('no-store') || says('no-cache')) return 0;
  const counted = says('private') ? ['max-age'] : ['max-age', 's-maxage'];
  const lifetimes = found
    .filter(({ name, argument }) => counted.includes(name) && /^\d+$/.test(argument ?? ''))
    .map(({ argument }) => Math.min(Number(argument), LONGEST) * SECOND);
  return lifetimes.length === 0 ? null : Math.max(...lifetimes);
}
