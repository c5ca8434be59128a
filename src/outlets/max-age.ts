import { type Duration, SECOND } from '../keyset/basics/clock.js';
import { requestOnce } from '../outside/http.js';
import { LONGEST_FILE } from './read-file.js';

/**
 * The longest time that a JWKS server lets verifiers, and caches on the way to them, keep the set.
 * @returns milliseconds; null: the server does not say, or does not answer
 */
export async function servedMaxAge(url: string, timeout: Duration, signal: AbortSignal): Promise<Duration | null> {
  const answer = await requestOnce({ url, method: 'GET', timeout, signal, maxBytes: LONGEST_FILE });
  return answer.ok ? maxAgeOf(answer.cacheControl) : null;
}

/** RFC 9111 section 5.2: a token, whose argument is a token or a quoted string (which may hold commas). */
const DIRECTIVE = /([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g;
/** Section 1.2.2: a cache reads any larger number as this one. */
const LONGEST = 2 ** 31;

/** Delta-seconds of a header. @returns milliseconds; null: it is no number of that kind */
export function deltaSeconds(text: string): Duration | null {
  return /^\d+$/.test(text) ? Math.min(Number(text), LONGEST) * SECOND : null;
}

/**
 * The freshness lifetime that a `Cache-Control` grants (RFC 9111 section 4.2.1). A shared cache may serve a response
 * until it is as old as `s-maxage`, so the longer of `max-age` and `s-maxage` counts. `Age` is part of that lifetime
 * and adds nothing. If a directive is repeated, the longest value counts, since caches differ in which they take.
 * @param cacheControl the header's value
 */
export function maxAgeOf(cacheControl: string | null): Duration | null {
  const found = [...(cacheControl ?? '').matchAll(DIRECTIVE)].map(([, name = '', quoted, token]) => ({
    name: name.toLowerCase(),
    argument: quoted ?? token,
  }));
  // If its argument lists fields, a directive is about those fields alone.
  const says = (name: string) => found.some((one) => one.name === name && one.argument === undefined);
  if (says('no-store') || says('no-cache')) return 0;
  const counted = says('private') ? ['max-age'] : ['max-age', 's-maxage'];
  const lifetimes = found
    .filter(({ name }) => counted.includes(name))
    .map(({ argument }) => deltaSeconds(argument ?? ''))
    .filter((lifetime) => lifetime !== null);
  return lifetimes.length === 0 ? null : Math.max(...lifetimes);
}
