import * as v from 'valibot';
import { ALGORITHM_NAMES } from '../keyset/basics/algorithm.js';
import { decodeJson } from '../keyset/basics/foreign-json.js';
import type { WrappedKey } from '../keyset/manifest/wrapped-key.js';
import { keyDamaged } from './key-errors.js';

/** Where a record belongs. It is part of the record, so that no record can pass for another key's. */
export interface KeyAddress {
  readonly keyset: string;
  readonly thumbprint: string;
}

const text = v.pipe(v.string(), v.minLength(1));
const common = { schema: v.literal(1), keyset: text, thumbprint: text, kid: text, alg: v.picklist(ALGORITHM_NAMES) };
const record = v.union([
  v.strictObject({ ...common, jwe: text }),
  v.strictObject({ ...common, kmsKeyId: text, context: v.record(v.string(), v.string()), ciphertext: text }),
]);

/**
 * A wrapped key as every store keeps it: JSON with its members in a fixed order, so the same key gives the same bytes.
 */
export function encodeKey({ keyset, thumbprint }: KeyAddress, key: WrappedKey): string {
  const { kid, alg } = key;
  const head = { schema: 1, keyset, thumbprint, kid, alg };
  if ('jwe' in key) return JSON.stringify({ ...head, jwe: key.jwe });
  const context = Object.fromEntries(Object.entries(key.context).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify({ ...head, kmsKeyId: key.kmsKeyId, context, ciphertext: key.ciphertext });
}

/**
 * @param where a path or `secret NAME`, for errors
 * @throws JwtrotError `key-damaged` (exit 5) if the text is not this key's record
 */
export function decodeKey(address: KeyAddress, stored: string, where: string): WrappedKey {
  const decoded = decodeJson(stored);
  if (!decoded.ok) throw keyDamaged(where, `it is ${decoded.reason}`);
  const parsed = v.safeParse(record, decoded.value);
  if (!parsed.success) throw keyDamaged(where, 'it is no record that this jwtrot knows');
  const { schema: _, keyset, thumbprint, ...key } = parsed.output;
  if (keyset !== address.keyset || thumbprint !== address.thumbprint) throw keyDamaged(where, 'it is of another key');
  return key;
}
