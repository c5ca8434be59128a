import type { KeyObject } from 'node:crypto';
import type { PublicJwk } from '../keyset/model.js';
import { acceptablePublicJwk } from './acceptable.js';
import { badKey } from './bad-key.js';
import { assertHalvesMatch } from './halves.js';
import { type ReadJwk, readJwk } from './read-jwk.js';
import { looksLikePem, readPem } from './read-pem.js';
import { thumbprintOf } from './thumbprint.js';

export { algorithmFor } from './fit-algorithm.js';

/** `pem`, `jwk`: a private key in that form. `public`: a public key in either. `any`: whatever there is. */
export type KeyKind = 'pem' | 'jwk' | 'public' | 'any';

export interface ParsedKey {
  readonly publicJwk: PublicJwk;
  /** RFC 7638. */
  readonly thumbprint: string;
  /** PKCS#8 DER, to be overwritten by the caller; null when the input holds the public half alone. */
  readonly privateKey: Uint8Array | null;
  /** What the JWK declares; a PEM declares neither. */
  readonly kid: string | null;
  readonly alg: string | null;
}

/**
 * Reads a key that an operator gives.
 * @param text the caller overwrites it
 * @throws JwtrotError `bad-key` (exit 2); it never quotes the input
 */
export async function parseKey(text: Buffer, { kind }: { kind: KeyKind }): Promise<ParsedKey> {
  const read = readAny(text, kind);
  const publicJwk = acceptablePublicJwk(read.publicKey);
  const isPrivate = read.key.type === 'private';
  if (kind === 'public' && isPrivate)
    throw badKey('it holds a private key', 'use --pem or --jwk to import that, or give its public half');
  if ((kind === 'pem' || kind === 'jwk') && !isPrivate) {
    throw badKey('it holds a public key alone', 'use --public to import a key that only verifies');
  }
  const privateKey = isPrivate ? pkcs8Of(read.key, publicJwk) : null;
  return { publicJwk, thumbprint: await thumbprintOf(publicJwk), privateKey, kid: read.kid, alg: read.alg };
}

function readAny(text: Buffer, kind: KeyKind): ReadJwk {
  if (looksLikePem(text)) {
    if (kind === 'jwk') throw badKey('it is a PEM, not a JWK', 'use --pem');
    const key = readPem(text);
    return { key, publicKey: key, kid: null, alg: null };
  }
  const isJson = text.toString('latin1', 0, 64).trimStart().startsWith('{');
  if (!isJson) {
    throw badKey(
      'it is neither a PEM nor a JWK',
      'a key in DER: openssl pkey -inform DER -in FILE | jwtrot import --pem /dev/stdin',
    );
  }
  if (kind === 'pem') throw badKey('it is a JWK, not a PEM', 'use --jwk');
  return readJwk(text);
}

function pkcs8Of(key: KeyObject, publicJwk: PublicJwk): Uint8Array {
  acceptablePublicJwk(key);
  try {
    assertHalvesMatch(key, publicJwk);
  } catch {
    throw badKey('the private members of the key do not belong to its public ones');
  }
  return new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }));
}
