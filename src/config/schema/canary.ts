import * as v from 'valibot';
import { fields, isMap, list, refused, type Schema, word } from './fields.js';
import { text, timeLimit, wholeNumber } from './scalars.js';

/** What a canary carries in any case (src/rollout/canaries.ts). */
const SET_BY_JWTROT = ['sub', 'jti', 'iat', 'exp', 'nbf'];
/** Characters as JSON. A token must fit into a header beside everything else. */
const LONGEST_CLAIMS = 2048;

const claims: Schema<Record<string, unknown>> = v.lazy((input) => {
  if (!isMap(input)) return refused('must be a map of claims such as { aud: api }');
  const own = SET_BY_JWTROT.filter((name) => Object.hasOwn(input, name));
  const none = v.optional(refused('is set by jwtrot: a canary must be told from a real token, and live shortly'));
  if (own.length > 0) return fields(Object.fromEntries(own.map((name) => [name, none]))) as Schema<never>;
  const isShort = JSON.stringify(input).length <= LONGEST_CLAIMS;
  return isShort
    ? v.custom<Record<string, unknown>>(isMap)
    : refused(`must have at most ${LONGEST_CLAIMS} characters as JSON`);
});

const status: Schema<number> = v.pipe(
  wholeNumber(200, 499),
  v.check((code) => code !== 429, 'must not be 429: a service that is too busy tells nothing'),
);
const statuses = list(status, 'a list of HTTP statuses such as [401]', 1);

/** A media type, mostly without its `application/` (RFC 7515 section 4.1.9). */
const typ = text('a media type such as at+jwt', /^[A-Za-z0-9][\w!#$&^.+/-]{0,126}$/);

export const canaryFields = {
  method: v.optional(word(['GET', 'POST', 'PUT']), 'GET'),
  claims: v.optional(claims, {}),
  typ: v.optional(typ),
  accepted: v.optional(statuses, [200, 403]),
  rejected: v.optional(statuses, [401]),
  every: v.optional(timeLimit),
};
