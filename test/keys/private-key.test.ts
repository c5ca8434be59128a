import { createPrivateKey } from 'node:crypto';
import { importJWK, importPKCS8 } from 'jose';
import { describe, expect, it } from 'vitest';
import { generateKey } from '../../src/keys/generate.js';
import { assertMatches } from '../../src/keys/matches.js';
import { toPkcs8Pem, toPrivateJwk } from '../../src/keys/private-key.js';
import { publicJwkFromSpki, toSpkiPem } from '../../src/keys/public-key.js';
import { ALGORITHM_NAMES } from '../../src/keyset/basics/algorithm.js';
import { JwtrotError } from '../../src/keyset/basics/error.js';

describe('a private key that is delivered', () => {
  it.each(ALGORITHM_NAMES)('%s: is the PEM that OpenSSL writes, and jose reads it', async (alg) => {
    const { privateKey } = await generateKey(alg, 2048);
    const pem = toPkcs8Pem(privateKey);
    const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
    expect(pem.toString()).toBe(key.export({ format: 'pem', type: 'pkcs8' }));
    expect((await importPKCS8(pem.toString(), alg)).type).toBe('private');
  });

  it('is PEM to the byte at every length around a line and a group', () => {
    for (let length = 1; length <= 100; length++) {
      const der = Buffer.alloc(length, length);
      const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
      const expected = ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
      expect(toPkcs8Pem(der).toString()).toBe(expected);
    }
  });

  it.each(ALGORITHM_NAMES)('%s: is a JWK with kid, alg, use and its private members', async (alg) => {
    const { privateKey, publicJwk, thumbprint } = await generateKey(alg, 2048);
    const text = toPrivateJwk(privateKey, { kid: thumbprint, alg, told: null }).toString();
    const jwk = JSON.parse(text);
    expect(jwk).toMatchObject({ ...publicJwk, kid: thumbprint, alg, use: 'sig' });
    expect(Object.keys(jwk)).toEqual(
      expect.arrayContaining(alg.match(/^[RP]S/) ? ['d', 'p', 'q', 'dp', 'dq', 'qi'] : ['d']),
    );
    expect(text.endsWith('\n')).toBe(true);
    expect(await importJWK(jwk, alg)).toMatchObject({ type: 'private' });
    const told = { keyset: 'api', maxTokenTtl: 604_800 };
    const telling = JSON.parse(toPrivateJwk(privateKey, { kid: thumbprint, alg, told }).toString());
    expect(telling).toEqual({ ...jwk, jwtrot: told });
    expect(await importJWK(telling, alg)).toMatchObject({ type: 'private' });
  });
});

describe('a public key as SPKI', () => {
  it.each(['RS256', 'ES384', 'Ed25519'] as const)('%s: comes back as it was', async (alg) => {
    const { publicJwk } = await generateKey(alg, 2048);
    const pem = toSpkiPem(publicJwk);
    expect(pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n[\s\S]+-----END PUBLIC KEY-----\n$/);
    expect(publicJwkFromSpki(pem)).toEqual(publicJwk);
    const der = Buffer.from(pem.replace(/-----.*-----|\n/g, ''), 'base64');
    expect(publicJwkFromSpki(der)).toEqual(publicJwk);
  });
});

describe('a private key from the store', () => {
  it('is taken when it is the one that the manifest names', async () => {
    const { privateKey, publicJwk, thumbprint } = await generateKey('ES256', 2048);
    expect(() => assertMatches(privateKey, publicJwk, thumbprint)).not.toThrow();
  });

  it('is refused when it is another, or no key at all', async () => {
    const [one, two] = [await generateKey('ES256', 2048), await generateKey('ES256', 2048)];
    for (const wrong of [two.privateKey, Buffer.from('nothing'), one.privateKey.subarray(0, 40)]) {
      const error = await thrownBy(async () => assertMatches(wrong, one.publicJwk, one.thumbprint));
      expect(error).toMatchObject({ kind: 'refused', code: 'key-mismatch', exit: 5 });
      expect(error.message).toContain(one.thumbprint);
    }
  });
});

async function thrownBy(act: () => Promise<unknown>): Promise<JwtrotError> {
  const error = await act().then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof JwtrotError)) throw new Error(`expected a JwtrotError, got ${String(error)}`);
  return error;
}
