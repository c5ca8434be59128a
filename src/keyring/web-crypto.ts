import type { webcrypto } from 'node:crypto';
import type { Algorithm } from '../keyset/basics/algorithm.js';
import type { PublicJwk } from '../keyset/manifest/key.js';

export type CryptoKey = webcrypto.CryptoKey;

type Curve = 'P-256' | 'P-384' | 'P-521';
const CURVES: Readonly<Record<string, Curve>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

/** As `importKey` takes it (W3C Web Cryptography API, RFC 7518 section 3). */
function importing(
  alg: Algorithm,
): webcrypto.RsaHashedImportParams | webcrypto.EcKeyImportParams | { name: 'Ed25519' } {
  const namedCurve = CURVES[alg];
  if (namedCurve !== undefined) return { name: 'ECDSA', namedCurve };
  if (alg === 'EdDSA' || alg === 'Ed25519') return { name: 'Ed25519' };
  return { name: alg.startsWith('PS') ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash: hashOf(alg) };
}

function hashOf(alg: Algorithm): string {
  return `SHA-${alg.slice(2)}`;
}

/** As `sign` and `verify` take it. */
function signing(alg: Algorithm): { name: string; hash?: string; saltLength?: number } {
  const { name } = importing(alg);
  if (name === 'ECDSA') return { name, hash: hashOf(alg) };
  // RFC 7518 section 3.5: the salt is as long as the hash.
  return name === 'RSA-PSS' ? { name, saltLength: Number(alg.slice(2)) / 8 } : { name };
}

export function importPublic(publicJwk: PublicJwk, alg: Algorithm): Promise<CryptoKey> {
  return crypto.subtle.importKey('jwk', { ...publicJwk }, importing(alg), true, ['verify']);
}

/** @param der PKCS#8; the caller overwrites it */
export function importPrivate(der: Uint8Array, alg: Algorithm): Promise<CryptoKey> {
  return crypto.subtle.importKey('pkcs8', der as Uint8Array<ArrayBuffer>, importing(alg), false, ['sign']);
}

const PROBE = new TextEncoder().encode('jwtrot');

/** Whether the public half verifies what the private half signs. Off the main thread: RSA takes milliseconds. */
export async function belongTogether(privateKey: CryptoKey, publicKey: CryptoKey, alg: Algorithm): Promise<boolean> {
  const how = signing(alg);
  const signature = await crypto.subtle.sign(how, privateKey, PROBE);
  return crypto.subtle.verify(how, publicKey, signature, PROBE);
}
