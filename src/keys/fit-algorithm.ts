import { ALGORITHMS, type Algorithm, isAlgorithm } from '../keyset/basics/algorithm.js';
import { own } from '../keyset/basics/foreign-json.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { PublicJwk } from '../keyset/manifest/key.js';
import { badKey } from './bad-key.js';

/** The algorithm of an imported key by default. Tokens in use today carry `EdDSA` (RFC 8037). */
const USUAL: Readonly<Record<string, Algorithm>> = {
  RSA: 'RS256',
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
};

/**
 * Chooses the algorithm of an imported key: the one that its JWK declares, or else the keyset's if it fits the key, or
 * else the usual one for the key's type.
 * @throws JwtrotError `bad-key` when the declared algorithm is unknown or doesn't fit the key
 */
export function algorithmFor(publicJwk: PublicJwk, declared: string | null, preferred: Algorithm): Algorithm {
  if (declared !== null) {
    if (!isAlgorithm(declared)) {
      throw badKey(`the key's alg ${quoteOutside(declared)} is not one that signs tokens here`);
    }
    if (!fits(publicJwk, declared))
      throw badKey(`the key is of type ${typeOf(publicJwk)}, which is not for its alg ${declared}`);
    return declared;
  }
  if (fits(publicJwk, preferred)) return preferred;
  const usual = own(USUAL, typeOf(publicJwk));
  if (usual === undefined) throw badKey(`no algorithm is known for a key of type ${quoteOutside(typeOf(publicJwk))}`);
  return usual;
}

function typeOf(publicJwk: PublicJwk): string {
  return 'crv' in publicJwk ? publicJwk.crv : publicJwk.kty;
}

function fits(publicJwk: PublicJwk, alg: Algorithm): boolean {
  const needed: { kty: string; crv?: string } = ALGORITHMS[alg];
  return publicJwk.kty === needed.kty && typeOf(publicJwk) === (needed.crv ?? needed.kty);
}
