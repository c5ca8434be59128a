import * as v from 'valibot';
import type { Headers, Tls } from '../../services/service.js';
import { fields, isMap, refused, type Schema } from './fields.js';
import { absolutePath, hasControl } from './scalars.js';

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; // RFC 9110 section 5.6.2, token
const LITERAL = /^[\t\x20-\x7e\x80-\xff]*$/;
const SECRET_NAME = /auth|cookie|credential|key|password|secret|session|token/i;

const NAME_PROBLEM = 'a name here is not the name of a header (RFC 9110)';
const SECRET_PROBLEM = 'the value of this header is a secret and must not stand here: name its file, { file: /path }';
const VALUE_PROBLEM = 'a value must be { file: /path }, or plain text where it is no secret';

type Source = Headers[string];

/** No message quotes a header's name or value: either may be a secret. */
export const headers: Schema<Headers> = v.lazy((input) => {
  if (!isMap(input)) return refused('must be a map from names of headers to { file: /path }');
  const entries = Object.entries(input).map(([name, value]) => [name, header(name, value)] as const);
  return v.object(Object.fromEntries(entries));
});

function header(name: string, value: unknown): Schema<Source> {
  if (!NAME.test(name)) return refused(NAME_PROBLEM);
  const isLiteral = typeof value === 'string' || (isMap(value) && Object.hasOwn(value, 'value'));
  if (isLiteral && SECRET_NAME.test(name)) return refused(SECRET_PROBLEM);
  if (typeof value === 'string') {
    return v.pipe(
      literal,
      v.transform((text) => ({ value: text })),
    );
  }
  return isMap(value) && Object.hasOwn(value, 'value') ? fields({ value: literal }) : fromFile;
}

const literal: Schema<string> = v.custom<string>(
  (text) => typeof text === 'string' && LITERAL.test(text),
  VALUE_PROBLEM,
);

const fromFile: Schema<Source> = v.lazy((input) =>
  isMap(input) && typeof input['file'] === 'string' && input['file'].startsWith('/') && !hasControl(input['file'])
    ? fields({ file: absolutePath })
    : refused(VALUE_PROBLEM),
);

/** Paths of PEM files. */
export const tls: Schema<Tls> = v.pipe(
  fields({ ca: v.optional(absolutePath), cert: v.optional(absolutePath), key: v.optional(absolutePath) }),
  v.check(({ cert, key }) => (cert === undefined) === (key === undefined), 'cert and key are given together'),
  v.transform(({ ca = null, cert = null, key = null }) => ({ ca, cert, key })),
);
