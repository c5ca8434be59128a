import { KeyObject } from 'node:crypto';
import type { Algorithm, ModulusLength } from '../keyset/algorithm.js';
import { JwtrotError } from '../keyset/error.js';
import type { PublicJwk } from '../keyset/model.js';
import { assertHalvesMatch, privateKeyObject } from './halves.js';
import { publicJwkOfKey } from './public-key.js';
import { thumbprintOf } from './thumbprint.js';

export interface GeneratedKey {
  readonly publicJwk: PublicJwk;
  readonly thumbprint: string;
  /** PKCS#8 DER; the caller overwrites it. */
  readonly privateKey: Uint8Array;
}

/**
 * A new pair, made on WebCrypto's thread pool: RSA takes up to seconds. Before it is handed out it has signed
 * something that its public half verifies.
 * @param modulusLength of RSA keys, in bits; other keys have none
 */
export async function generateKey(alg: Algorithm, modulusLength: ModulusLength): Promise<GeneratedKey> {
  const { generateKeyPair } = await import('jose/key/generate/keypair');
  const pair = await generateKeyPair(alg, { extractable: true, modulusLength });
  const privateKey = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
  try {
    const publicJwk = publicJwkOfKey(KeyObject.from(pair.publicKey));
    assertHalvesMatch(privateKeyObject(privateKey), publicJwk);
    return { publicJwk, thumbprint: await thumbprintOf(publicJwk), privateKey };
  } catch (cause) {
    privateKey.fill(0);
    throw new JwtrotError('refused', 'bad-pair', `a new ${alg} key did not pass its own check; it was thrown away`, {
      hint: 'run it again; if it fails again, suspect this machine: its memory, its CPU or its OpenSSL',
      cause,
    });
  }
}
