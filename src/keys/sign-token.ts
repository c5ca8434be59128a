import { constants, type KeyObject, type SignKeyObjectInput, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { Algorithm } from '../keyset/basics/algorithm.js';
import { privateKeyObject } from './halves.js';

const signAside = promisify(sign);

/**
 * Signs tokens with one private key. It holds the key until nothing refers to it any more.
 * @param typ of the header; null: none
 */
export type SignToken = (claims: Readonly<Record<string, unknown>>, typ: string | null) => Promise<string>;

/** @param privateKey PKCS#8 DER, which the caller overwrites */
export function tokenSigner(privateKey: Uint8Array, { kid, alg }: { kid: string; alg: Algorithm }): SignToken {
  const how = howToSign(alg, privateKeyObject(privateKey));
  return async (claims, typ) => {
    const text = `${encoded({ alg, kid, ...(typ !== null && { typ }) })}.${encoded(claims)}`;
    const signature = await signAside(how.hash, Buffer.from(text), how.key);
    return `${text}.${signature.toString('base64url')}`;
  };
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** RFC 7518 sections 3.3 to 3.5, RFC 8037 section 3.1. */
function howToSign(alg: Algorithm, key: KeyObject): { hash: string | null; key: SignKeyObjectInput } {
  if (alg === 'EdDSA' || alg === 'Ed25519') return { hash: null, key: { key } };
  const hash = `sha${alg.slice(2)}`;
  if (alg.startsWith('ES')) return { hash, key: { key, dsaEncoding: 'ieee-p1363' } };
  if (alg.startsWith('RS')) return { hash, key: { key } };
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return { hash, key: { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } };
}
