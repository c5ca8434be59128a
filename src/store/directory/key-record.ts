import * as v from 'valibot';
import { ALGORITHM_NAMES } from '../../keyset/algorithm.js';
import { JwtrotError } from '../../keyset/error.js';
import type { WrappedKey } from '../../keyset/wrapped-key.js';

/** Where a record belongs; written into it, so that no file can be passed off as another key's. */
export interface KeyAddress {
  readonly keyset: string;
  readonly thumbprint: string;
}

const text = v.pipe(v.string(), v.minLength(1));
const common = {
  schema: v.literal(1),
  keyset: text,
  thumbprint: text,
  kid: text,
  alg: v.picklist(ALGORITHM_NAMES),
};
const record = v.union([
  v.strictObject({ ...common, jwe: text }),
  v.strictObject({ ...common, kmsKeyId: text, context: v.record(v.string(), v.string()), ciphertext: text }),
]);

/** The stored text of a wrapped key: JSON, members always in the same order. */
export function encodeKey({ keyset, thumbprint }: KeyAddress, key: WrappedKey): string {
  const { kid, alg } = key;
  const wrapped =
    'jwe' in key
      ? { jwe: key.jwe }
      : { kmsKeyId: key.kmsKeyId, context: sorted(key.context), ciphertext: key.ciphertext };
  return `${JSON.stringify({ schema: 1, keyset, thumbprint, kid, alg, ...wrapped })}\n`;
}

function sorted(context: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @throws JwtrotError `key-damaged` when the text is not this key's record */
export function decodeKey(address: KeyAddress, stored: string, path: string): WrappedKey {
  const damaged = (why: string, cause?: unknown) =>
    new JwtrotError(
      'refused',
      'key-damaged',
      `the wrapped key in ${path} is damaged: ${why}; it was not used and nothing was changed`,
      { hint: 'restore the file from a backup, or replace the key: jwtrot rotate --force', cause },
    );
  let json: unknown;
  try {
    json = JSON.parse(stored);
  } catch (cause) {
    throw damaged('it is not JSON', cause);
  }
  const parsed = v.safeParse(record, json);
  if (!parsed.success) throw damaged('it is not a record that this jwtrot knows');
  const { schema: _, keyset, thumbprint, ...key } = parsed.output;
  if (keyset !== address.keyset || thumbprint !== address.thumbprint) throw damaged('it is of another key');
  return key;
}
