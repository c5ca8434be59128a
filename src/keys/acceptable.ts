import { createPublicKey, type KeyObject } from 'node:crypto';
import type { PublicJwk } from '../keyset/model.js';
import { badKey } from './bad-key.js';
import { publicJwkOfKey } from './public-key.js';

/** RFC 7518 section 3.3 asks for 2,048 bits; a KMS wraps at most 4,096 bytes, and a manifest names many keys. */
const RSA_BITS = { least: 2048, most: 4096 } as const;
const CURVES = ['P-256', 'P-384', 'P-521', 'Ed25519'];

/**
 * The public half of a key from outside, if it is one that a keyset can hold.
 * @throws JwtrotError `bad-key`
 */
export function acceptablePublicJwk(key: KeyObject): PublicJwk {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  const type = half.asymmetricKeyType ?? 'unknown';
  if (type === 'rsa') {
    assertRsa(half);
  } else if (type === 'ec' || type === 'ed25519') {
    const curve = type === 'ec' ? (half.asymmetricKeyDetails?.namedCurve ?? '') : 'Ed25519';
    if (!['prime256v1', 'secp384r1', 'secp521r1', 'Ed25519'].includes(curve)) {
      throw badKey(`the key is on a curve that no JWS algorithm of ours uses; known are ${CURVES.join(', ')}`);
    }
  } else {
    throw badKey(
      `a key of type ${type} is not supported; known are RSA, EC and Ed25519`,
      type === 'rsa-pss' ? 'convert it to a plain RSA key (rsaEncryption); PS256 works with that' : undefined,
    );
  }
  return publicJwkOfKey(half);
}

function assertRsa(key: KeyObject): void {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < RSA_BITS.least) {
    throw badKey(`the RSA key has ${modulusLength} bits; at least ${RSA_BITS.least} are needed (RFC 7518 section 3.3)`);
  }
  if (modulusLength > RSA_BITS.most) {
    throw badKey(`the RSA key has ${modulusLength} bits; at most ${RSA_BITS.most} are supported`);
  }
  if (publicExponent < 3n || publicExponent % 2n === 0n)
    throw badKey('the RSA key has a public exponent that is unsafe');
}
