import { JwtrotError } from '../keyset/basics/error.js';
import type { PublicJwk } from '../keyset/manifest/key.js';
import { assertHalvesMatch, privateKeyObject } from './halves.js';

/**
 * Checks that the private key from the store is the one that the manifest names.
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
      `the private key stored for ${kid} does not match its public key in the manifest; it was not used`,
      { hint: `restore the store from a backup, or replace the key: jwtrot rotate --force`, cause },
    );
  }
}
