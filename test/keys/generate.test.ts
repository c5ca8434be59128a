import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, it } from 'vitest';
import { generateKey } from '../../src/keys/generate.js';
import { publicJwkOf } from '../../src/keys/public-key.js';
import { ALGORITHM_NAMES, ALGORITHMS } from '../../src/keyset/basics/algorithm.js';

describe('a generated key', () => {
  it.each(ALGORITHM_NAMES)('%s: signs what its public half verifies, and is named by its thumbprint', async (alg) => {
    const { publicJwk, privateKey, thumbprint } = await generateKey(alg, 2048);
    const { kty, crv }: { kty: string; crv?: string } = ALGORITHMS[alg];
    expect(publicJwk.kty).toBe(kty);
    expect('crv' in publicJwk ? publicJwk.crv : undefined).toBe(crv);
    expect(Object.keys(publicJwk)).toEqual(
      { RSA: ['kty', 'n', 'e'], EC: ['kty', 'crv', 'x', 'y'], OKP: ['kty', 'crv', 'x'] }[kty],
    );
    expect(thumbprint).toBe(await calculateJwkThumbprint(publicJwk, 'sha256'));
    expect(publicJwkOf(privateKey)).toEqual(publicJwk);
    const digest = kty === 'OKP' ? null : 'sha256';
    const data = Buffer.from('token');
    const signature = sign(
      digest,
      data,
      createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' }),
    );
    expect(verify(digest, data, createPublicKey({ key: { ...publicJwk }, format: 'jwk' }), signature)).toBe(true);
  });

  it('has the modulus length that was asked for', async () => {
    const { publicJwk } = await generateKey('RS256', 3072);
    expect(publicJwk.kty === 'RSA' && Buffer.from(publicJwk.n, 'base64url').length * 8).toBe(3072);
  });

  it('is another one each time, in a buffer of its own that can be overwritten', async () => {
    const [one, two] = [await generateKey('ES256', 2048), await generateKey('ES256', 2048)];
    expect(one.thumbprint).not.toBe(two.thumbprint);
    expect(one.privateKey.byteLength).toBe(one.privateKey.buffer.byteLength);
    one.privateKey.fill(0);
    expect(publicJwkOf(two.privateKey)).toEqual(two.publicJwk);
  });

  it('is made off the main thread: a timer still fires meanwhile', async () => {
    let beats = 0;
    const timer = setInterval(() => beats++, 1);
    await Promise.all([generateKey('RS256', 3072), generateKey('RS256', 3072)]);
    clearInterval(timer);
    expect(beats).toBeGreaterThan(5);
  });
});
