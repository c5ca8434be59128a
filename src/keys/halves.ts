import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { PublicJwk } from '../keyset/manifest/key.js';
import { equalPublicJwks, publicJwkOfKey, view } from './public-key.js';

/** @param privateKey PKCS#8 DER */
export function privateKeyObject(privateKey: Uint8Array): KeyObject {
  return createPrivateKey({ key: view(privateKey), format: 'der', type: 'pkcs8' });
}

/**
 * Checks that the private key contains `publicJwk` and that `publicJwk` verifies its signatures. The signature matters: a
 * private key carries a copy of its public half, and OpenSSL does not check the copy.
 * @throws Error that quotes no key material
 */
export function assertHalvesMatch(privateKey: KeyObject, publicJwk: PublicJwk): void {
  if (!equalPublicJwks(publicJwkOfKey(privateKey), publicJwk)) throw new Error('the public half is of another key');
  const digest = publicJwk.kty === 'OKP' ? null : 'sha256';
  const data = Buffer.from('jwtrot');
  const signature = sign(digest, data, privateKey);
  if (!verify(digest, data, createPublicKey({ key: { ...publicJwk }, format: 'jwk' }), signature)) {
    throw new Error('the public half does not verify what the private half signs');
  }
}
