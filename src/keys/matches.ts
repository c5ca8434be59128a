import { JwtrotError } from '../keyset/error.js';
import type { PublicJwk } from '../keyset/model.js';
import { assertHalvesMatch, privateKeyObject } from './halves.js';

/**
 * What came out of the store is the key that the manifest names.
 * @param privateKey PKCS#8 DER
 * @throws JwtrotError `key-mismatch` (exit 5)
 */
export function assertMatches(privateKey: Uint8Array, publicJwk: PublicJwk, kid: string): void {
  try {
    assertHalvesMatch(privateKeyObject(privateKey), publicJwk);
  } catch (cause) {
    throw new JwtrotError(
      'refused',
      'key-mismatch',
      `the private key stored for ${kid} is not the one its public key in the manifest belongs to; it was not used`,
      { hint: `restore the store from a backup, or replace the key: jwtrot retire --kid ${kid}`, cause },
    );
  }
}
