import * as v from 'valibot';
import type { Health, Role } from '../../services/service.js';
import { fields, type Schema, word } from './fields.js';
import { headers, tls } from './http.js';
import { jsonPointer, timeLimit, wholeNumber } from './scalars.js';
import { url } from './url.js';

/** What the rest of the service means for its `health` and `reload`. */
export interface ServiceContext {
  /** Null when it is not known: then nothing is held against it. */
  readonly role: Role | null;
  readonly addressProblem: string | null;
}

const distinct = fields({ pointer: jsonPointer, count: wholeNumber(1, 1000) });

export function health({ role, addressProblem }: ServiceContext): Schema<Health> {
  const type = v.pipe(
    word(['json', 'jwks']),
    v.check(
      (given) => given === 'json' || role === 'verifier' || role === null,
      `must be json for role ${role}: a JWK Set does not say which key signs; jwks is for role verifier alone`,
    ),
  );
  return v.pipe(
    fields({
      type: v.optional(type, 'json'),
      url: url({ unix: true, placeholders: true, addressProblem }),
      kid: v.optional(jsonPointer),
      kids: v.optional(jsonPointer),
      headers: v.optional(headers, {}),
      tls: v.optional(tls, {}),
      timeout: v.optional(timeLimit, '2s'),
      deadline: v.optional(timeLimit, '120s'),
      confirmations: v.optional(wholeNumber(1, 100), 1),
      distinct: v.optional(distinct),
    }),
    v.check(
      ({ type: given, kid, kids }) => given === 'json' || (kid === undefined && kids === undefined),
      'kid and kids are for type json; with type jwks the whole answer is the JWK Set',
    ),
    v.transform(({ kid = '/kid', kids = '/kids', distinct: workers = null, ...rest }) => ({
      ...rest,
      kid,
      kids,
      distinct: workers,
    })),
  );
}
