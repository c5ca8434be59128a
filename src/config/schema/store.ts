import * as v from 'valibot';
import type { StoreChoice, WrapChoice } from '../configuration.js';
import { byType, fields, oneOf, type Schema } from './fields.js';
import { absolutePath, text } from './scalars.js';

/** The characters that Secrets Manager allows in a name. */
const prefix = text('letters, digits and /_+=.@- without a slash at either end', (given) =>
  /^(?!\/)[A-Za-z0-9/_+=.@-]{1,256}(?<!\/)$/.test(given),
);

const literal = <const T extends string>(type: T) => v.literal(type);

/** Where manifests and wrapped keys live. */
export const store: Schema<StoreChoice> = byType<StoreChoice>({
  'secrets-manager': fields({ type: literal('secrets-manager'), prefix: v.optional(prefix, 'jwtrot') }),
  directory: fields({ type: literal('directory'), path: absolutePath }),
});

const KMS_KEY = new RegExp(
  [
    'alias/[A-Za-z0-9/_-]{1,250}',
    'arn:[a-z0-9-]+:kms:[a-z0-9-]+:\\d{12}:(?:key|alias)/[A-Za-z0-9/_-]+',
    'mrk-[0-9a-f]{32}',
    '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  ]
    .map((form) => `^${form}$`)
    .join('|'),
);

const kek = oneOf<{ readonly file: string } | { readonly credential: string }>(
  {
    file: fields({ file: absolutePath }),
    credential: fields({
      credential: text('the name of a systemd credential such as jwtrot-kek', /^(?!\.)[A-Za-z0-9._-]{1,255}$/),
    }),
  },
  '{ file: /etc/jwtrot/kek }',
);

/** What encrypts private keys. */
export const wrap: Schema<WrapChoice> = byType<WrapChoice>({
  kms: fields({ type: literal('kms'), keyId: text('a KMS key id, an ARN, or an alias such as alias/jwtrot', KMS_KEY) }),
  local: fields({ type: literal('local'), kek }),
});
