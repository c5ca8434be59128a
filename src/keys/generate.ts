import { createPublicKey, generateKeyPair } from 'node:crypto';
import { ALGORITHMS, type Algorithm, type ModulusLength } from '../keyset/basics/algorithm.js';
import { JwtrotError } from '../keyset/basics/error.js';
import type { PublicJwk } from '../keyset/manifest/key.js';
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
 * Makes a key pair in Node's thread pool, since RSA takes up to seconds. WebCrypto would leave copies of an Ed25519 key
 * behind. Before it returns the pair it checks that the public half verifies a signature of the private half.
 * @param modulusLength in bits; only for RSA
 * @throws JwtrotError `bad-pair` (exit 5) when that check fails
 */
export async function generateKey(alg: Algorithm, modulusLength: ModulusLength): Promise<GeneratedKey> {
  const { privateKey, publicKey } = await makePair(alg, modulusLength);
  try {
    const publicJwk = publicJwkOfKey(createPublicKey({ key: publicKey, format: 'der', type: 'spki' }));
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

interface Pair {
  readonly publicKey: Buffer;
  readonly privateKey: Buffer;
}

const ENCODINGS = {
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
} as const;

function makePair(alg: Algorithm, modulusLength: ModulusLength): Promise<Pair> {
  const { kty, crv = '' }: { kty: string; crv?: string } = ALGORITHMS[alg];
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, publicKey: Buffer, privateKey: Buffer) =>
      error === null ? resolve({ publicKey, privateKey }) : reject(error);
    if (kty === 'RSA') generateKeyPair('rsa', { modulusLength, ...ENCODINGS }, done);
    else if (kty === 'EC') generateKeyPair('ec', { namedCurve: crv, ...ENCODINGS }, done);
    else generateKeyPair('ed25519', ENCODINGS, done);
  });
}
