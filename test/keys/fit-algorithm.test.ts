import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { algorithmFor } from '../../src/keys/import-key.js';
import { publicJwkOfKey } from '../../src/keys/public-key.js';
import type { PublicJwk } from '../../src/keyset/manifest/key.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');

describe('the algorithm of an imported key', () => {
  const [rsaJwk, ecJwk, edJwk] = [rsa, ec, ed].map((pair) => publicJwkOfKey(pair.publicKey)) as [
    PublicJwk,
    PublicJwk,
    PublicJwk,
  ];

  it('is the declared one', () => {
    expect(algorithmFor(rsaJwk, 'PS384', 'RS256')).toBe('PS384');
    expect(algorithmFor(edJwk, 'Ed25519', 'RS256')).toBe('Ed25519');
  });

  it("is the keyset's own when it is for such a key, else the usual one", () => {
    expect(algorithmFor(rsaJwk, null, 'PS256')).toBe('PS256');
    expect(algorithmFor(rsaJwk, null, 'ES256')).toBe('RS256');
    expect(algorithmFor(ecJwk, null, 'RS256')).toBe('ES256');
    expect(algorithmFor(ecJwk, null, 'ES384')).toBe('ES256');
    expect(algorithmFor(edJwk, null, 'RS256')).toBe('EdDSA');
  });

  it('is refused when the declared one is unknown or not for the key', () => {
    for (const [key, declared] of [
      [rsaJwk, 'RSA-OAEP'],
      [rsaJwk, 'none'],
      [rsaJwk, 'HS256'],
      [rsaJwk, 'ES256'],
      [ecJwk, 'ES384'],
      [edJwk, 'ES256'],
    ] as const) {
      expect(() => algorithmFor(key, declared, 'RS256')).toThrow(expect.objectContaining({ code: 'bad-key' }));
    }
  });
});
