import type { KeyObject } from 'node:crypto';
import type { Json } from '../keyset/basics/foreign-json.js';
import type { PublicJwk } from '../keyset/manifest/key.js';
import { acceptablePublicJwk } from './acceptable.js';
import { badKey } from './bad-key.js';
import { assertHalvesMatch } from './halves.js';
import { privateNumbersOf } from './pkcs8.js';
import { type ReadJwk, readJwk } from './read-jwk.js';
import { looksLikePem, readPem } from './read-pem.js';
import { assertRsaAgrees } from './rsa-arithmetic.js';
import { assertSoundRsa } from './sound-rsa.js';
import { thumbprintOf } from './thumbprint.js';

export { algorithmFor } from './fit-algorithm.js';

/** `pem`, `jwk`: a private key in that form. `public`: a public key in either form. `any`: either half in either form. */
export type KeyKind = 'pem' | 'jwk' | 'public' | 'any';

export interface ParsedKey {
  readonly publicJwk: PublicJwk;
  /** RFC 7638. */
  readonly thumbprint: string;
  /** PKCS#8 DER, which the caller overwrites; null when the input holds only the public half. */
  readonly privateKey: Uint8Array | null;
  /** As the JWK declares it; null for a PEM. */
  readonly kid: string | null;
  /** As the JWK declares it; null for a PEM. */
  readonly alg: string | null;
  /** The member `jwtrot` of the JWK; null: it has none. */
  readonly jwtrot: Json;
}

/**
 * Reads a key from an operator.
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
    throw badKey('it holds only a public key', 'use --public to import a key that only verifies');
  }
  // With `any` the key is only compared with known keys, so a weak one is accepted.
  if (kind !== 'any') assertSoundRsa(publicJwk);
  const privateKey = isPrivate ? pkcs8Of(read.key, publicJwk, kind) : null;
  return {
    publicJwk,
    thumbprint: await thumbprintOf(publicJwk),
    privateKey,
    kid: read.kid,
    alg: read.alg,
    jwtrot: read.jwtrot,
  };
}

function readAny(text: Buffer, kind: KeyKind): ReadJwk {
  if (looksLikePem(text)) {
    if (kind === 'jwk') throw badKey('it is a PEM, not a JWK', 'use --pem');
    const key = readPem(text);
    return { key, publicKey: key, kid: null, alg: null, jwtrot: null };
  }
  const isJson = text.toString('latin1', 0, 64).trimStart().startsWith('{');
  if (!isJson) {
    throw badKey(
      'it is neither a PEM nor a JWK',
      'a key in DER: openssl pkey -inform DER -in FILE | jwtrot import --pem -',
    );
  }
  if (kind === 'pem') throw badKey('it is a JWK, not a PEM', 'use --jwk');
  return readJwk(text);
}

function pkcs8Of(key: KeyObject, publicJwk: PublicJwk, kind: KeyKind): Uint8Array {
  acceptablePublicJwk(key);
  const der = key.export({ format: 'der', type: 'pkcs8' }); // no copy: the caller couldn't overwrite it
  try {
    if (kind !== 'any' && publicJwk.kty === 'RSA') assertRsaAgrees(publicJwk, privateNumbersOf(der, publicJwk));
    assertHalvesMatch(key, publicJwk);
    return der;
  } catch {
    der.fill(0);
    throw badKey('the private members of the key do not belong to its public ones');
  }
}
