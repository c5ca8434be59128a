import * as v from 'valibot';
import { ALGORITHM_NAMES } from '../../keyset/algorithm.js';
import { JwtrotError } from '../../keyset/error.js';
import type { WrappedKey } from '../../keyset/wrapped-key.js';

/** Where a record belongs; written into it, so that it can't be passed off as another key's. */
export interface KeyAddress {
  readonly keyset: string;
  readonly thumbprint: string;
}

const text = v.pipe(v.string(), v.minLength(1));
const common = { schema: v.literal(1), keyset: text, thumbprint: text, kid: text, alg: v.picklist(ALGORITHM_NAMES) };
const record = v.union([
  v.strictObject({ ...common, kmsKeyId: text, context: v.record(v.string(), v.string()), ciphertext: text }),
  v.strictObject({ ...common, jwe: text }),
]);

/** The text of a key's secret. The order of its members is fixed: the same key is the same bytes. */
export function encodeKey({ keyset, thumbprint }: KeyAddress, key: WrappedKey): string {
  const { kid, alg } = key;
  const head = { schema: 1, keyset, thumbprint, kid, alg };
  if ('jwe' in key) return JSON.stringify({ ...head, jwe: key.jwe });
  const context = Object.fromEntries(Object.entries(key.context).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify({ ...head, kmsKeyId: key.kmsKeyId, context, ciphertext: key.ciphertext });
}

/** @throws JwtrotError `key-damaged` (exit 5) when it is not the wrapped key of this address */
export function decodeKey(address: KeyAddress, stored: string, secret: string): WrappedKey {
  const parsed = v.safeParse(record, parseJson(stored));
  if (!parsed.success) throw damaged(secret, 'it is no record that this jwtrot knows');
  const { schema: _, keyset, thumbprint, ...key } = parsed.output;
  if (keyset !== address.keyset || thumbprint !== address.thumbprint) throw damaged(secret, 'it is of another key');
  return key;
}

function damaged(secret: string, why: string): JwtrotError {
  return new JwtrotError(
    'refused',
    'key-damaged',
    `the wrapped key in secret ${secret} is damaged: ${why}; it was not used and nothing was changed`,
    { hint: 'make a new key: jwtrot rotate --force' },
  );
}

function parseJson(stored: string): unknown {
  try {
    return JSON.parse(stored);
  } catch {
    return null;
  }
}
