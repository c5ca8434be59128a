import type { Algorithm } from '../keyset/basics/algorithm.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { notNow } from './failures.js';
import type { VerifyingKey } from './key-set.js';
import type { SigningKey } from './keys-in-memory.js';
import { belongTogether, importPrivate } from './web-crypto.js';

/**
 * @param privateKey PKCS#8 DER, which the caller overwrites
 * @param name of its place, for the error
 * @throws KeyringError `bad-key-file`
 */
export async function signingKey(
  privateKey: Uint8Array,
  { kid, publicJwk, pinned }: VerifyingKey,
  alg: Algorithm,
  name: string,
): Promise<SigningKey> {
  const publicKey = pinned.get(alg);
  // WebCrypto throws for numbers that don't fit one another. Its error would fail the whole read, and keep a retired key.
  const key = await importPrivate(privateKey, alg).catch(() => null);
  const isOurs =
    key !== null && publicKey !== undefined && (await belongTogether(key, publicKey, alg).catch(() => false));
  if (!isOurs)
    throw notNow('bad-key-file', `the private key in ${name} does not belong to key ${quoteOutside(kid)} of the JWKS`);
  return { kid, alg, publicJwk, key };
}
