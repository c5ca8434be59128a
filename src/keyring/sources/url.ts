import type { Duration } from '../../keyset/basics/clock.js';
import { deltaSeconds, maxAgeOf } from '../../outlets/max-age.js';
import { requestOnce } from '../../outside/http.js';
import { notNow } from '../failures.js';
import { readKeySet } from '../key-set.js';
import type { Settings } from '../settings.js';
import { type KeySource, UNKNOWN_TERMS } from '../source.js';
import type { SourceChoice } from '../source-choice.js';
import { LARGEST_JWKS } from './largest-jwks.js';

type Url = Extract<SourceChoice, { type: 'url' }>;

/** A JWKS on a server. Each request says `no-cache`, so that a rotation is not seen late. */
export function urlSource({ algorithms, timeout }: Settings, { url }: Url): KeySource {
  const { origin, pathname } = new URL(url);
  return {
    terms: UNKNOWN_TERMS,
    async read({ verifying: held }, signal) {
      const answer = await requestOnce({ url, method: 'GET', timeout, signal, maxBytes: LARGEST_JWKS });
      // Without the query, which may hold a secret.
      if (!answer.ok) throw notNow('source-unreadable', `${origin}${pathname}: ${answer.reason}`);
      const verifying = await readKeySet(new TextDecoder().decode(answer.body), { algorithms, held });
      return {
        verifying,
        signing: null,
        preloaded: new Map(),
        problem: null,
        revision: null,
        maxTokenTtl: null,
        age: ageOf(answer.age),
        maxAge: maxAgeOf(answer.cacheControl),
      };
    },
    close() {},
  };
}

/**
 * RFC 9111 section 5.1: of a list the first member counts. A header that can't be read does not make an answer new: a
 * cache could bring a retired key back so.
 */
function ageOf(header: string | null): Duration {
  if (header === null) return 0;
  const [first = ''] = header.split(',');
  return deltaSeconds(first.trim()) ?? Number.POSITIVE_INFINITY;
}
