import { ALGORITHMS, type Algorithm, isAlgorithm } from '../keyset/algorithm.js';
import type { PublicJwk } from '../keyset/model.js';
import { quoteOutside } from '../keyset/outside-text.js';
import { badKey } from './bad-key.js';

/** What an imported key signs with when nothing says so. `EdDSA` is what tokens in use today carry (RFC 8037). */
const USUAL: Readonly<Record<string, Algorithm>> = {
  RSA: 'RS256',
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
};

/**
 * The algorithm of an imported key: the one that its JWK declares, else the keyset's own if the key is for it, else
 * the usual one for such a key.
 * @throws JwtrotError `bad-key` when the declared one is unknown or not for this key
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
  const usual = USUAL[typeOf(publicJwk)];
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
