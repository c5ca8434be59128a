import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { PublicJwk } from '../keyset/manifest/key.js';
import { elementsOf } from './der.js';

/** @param privateKey PKCS#8 DER @throws Error of node:crypto when that is no key; TypeError when it has no JWK */
export function publicJwkOf(privateKey: Uint8Array): PublicJwk {
  return publicJwkOfKey(createPrivateKey({ key: view(privateKey), format: 'der', type: 'pkcs8' }));
}

/** `-----BEGIN PUBLIC KEY-----` (RFC 5280 SubjectPublicKeyInfo, RFC 7468). */
export function toSpkiPem(publicJwk: PublicJwk): string {
  const key = createPublicKey({ key: { ...publicJwk }, format: 'jwk' });
  return key.export({ format: 'pem', type: 'spki' }).toString();
}

/** @param spki PEM, or DER bytes */
export function publicJwkFromSpki(spki: string | Uint8Array): PublicJwk {
  if (typeof spki === 'string') return publicJwkOfKey(createPublicKey({ key: spki, format: 'pem', type: 'spki' }));
  return publicJwkOfKey(createPublicKey({ key: view(spki), format: 'der', type: 'spki' }));
}

/**
 * Returns the canonical public members, in the order in which they are published. For a private key it recomputes the
 * public half. It doesn't check the curve: code that accepts keys from outside must do so.
 * @throws TypeError when this type of key has no JWK
 */
export function publicJwkOfKey(key: KeyObject): PublicJwk {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  const { kty, crv, n, e, x, y } = half.export({ format: 'jwk' });
  if (kty === 'RSA' && n !== undefined && e !== undefined) return { kty, n, e };
  if (kty === 'EC' && crv !== undefined && x !== undefined && y !== undefined) return { kty, crv, x, y };
  if (kty === 'OKP' && crv !== undefined && x !== undefined) return { kty, crv, x };
  throw new TypeError(`a key of type ${key.asymmetricKeyType ?? key.type} has no public JWK`);
}

/**
 * Like `publicJwkOfKey`, but an RSA key is told by its numbers, also where its OID is id-RSASSA-PSS (RFC 4055), which node:crypto
 * turns into no JWK.
 */
export function publicNumbersOf(key: KeyObject): PublicJwk {
  if (key.asymmetricKeyType !== 'rsa-pss') return publicJwkOfKey(key);
  const [info = view(new Uint8Array())] = elementsOf(key.export({ format: 'der', type: 'spki' }));
  // A bit string begins with the number of its unused bits.
  const numbers = view(elementsOf(info)[1] ?? info).subarray(1);
  return publicJwkOfKey(createPublicKey({ key: numbers, format: 'der', type: 'pkcs1' }));
}

export function equalPublicJwks(a: PublicJwk, b: PublicJwk): boolean {
  const members = (jwk: PublicJwk) => JSON.stringify(Object.entries(jwk).sort(([one], [two]) => (one < two ? -1 : 1)));
  return members(a) === members(b);
}

/** The same memory as a Buffer, which node:crypto requires. It makes no copy, which the caller couldn't overwrite. */
export function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
