import { createPublicKey, type KeyObject } from 'node:crypto';
import type { PublicJwk } from '../keyset/manifest/key.js';
import { badKey } from './bad-key.js';
import { ed25519Problem } from './ed25519-point.js';
import { publicJwkOfKey } from './public-key.js';

/** RFC 7518 section 3.3 requires 2,048 bits. KMS wraps at most 4,096 bytes, and a manifest must hold many public keys. */
const RSA_BITS = { least: 2048, most: 4096 } as const;
const CURVES = ['P-256', 'P-384', 'P-521', 'Ed25519'];

/**
 * Returns the public half of a key from outside.
 * @throws JwtrotError `bad-key` when a keyset can't hold such a key
 */
export function acceptablePublicJwk(key: KeyObject): PublicJwk {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  const type = half.asymmetricKeyType ?? 'unknown';
  if (type === 'rsa') {
    assertRsa(half);
  } else if (type === 'ec' || type === 'ed25519') {
    const curve = type === 'ec' ? (half.asymmetricKeyDetails?.namedCurve ?? '') : 'Ed25519';
    if (!['prime256v1', 'secp384r1', 'secp521r1', 'Ed25519'].includes(curve)) {
      throw badKey(`the key is on an unsupported curve; known are ${CURVES.join(', ')}`);
    }
  } else {
    throw badKey(
      `a key of type ${type} is not supported; known are RSA, EC and Ed25519`,
      type === 'rsa-pss' ? 'convert it to a plain RSA key (rsaEncryption); PS256 works with that' : undefined,
    );
  }
  const publicJwk = publicJwkOfKey(half);
  if (publicJwk.kty === 'OKP') assertPoint(publicJwk.x);
  return publicJwk;
}

/** Only for Ed25519: node:crypto checks the point of an EC key itself. */
function assertPoint(x: string): void {
  const problem = ed25519Problem(Buffer.from(x, 'base64url'));
  if (problem === 'off-curve') throw badKey('the Ed25519 key is not a point on its curve (RFC 8032 section 5.1.3)');
  if (problem === 'small-order')
    throw badKey('the Ed25519 key is a point of small order: anybody can make signatures that it accepts');
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
