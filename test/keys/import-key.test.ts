import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type KeyKind, type ParsedKey, parseKey } from '../../src/keys/import-key.js';
import { publicJwkOf } from '../../src/keys/public-key.js';
import { thumbprintOf } from '../../src/keys/thumbprint.js';

const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBgzCCASmgAwIBAgIUaFc0vb/Uk41w6O4a9qg7ZrseIvEwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLand0cm90LXRlc3QwIBcNMjYxMTIxMDQ0OTA0WhgPMjEyNjEw
MjgwNDQ5MDRaMBYxFDASBgNVBAMMC2p3dHJvdC10ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEwh61347A/VHipwBgpfGvymPFgv1pzHrfye61cUY4YrAEF1P3
aJ1nqRu2e6whqp8QbT2FMrjYYUuew8IK4B+Ro6NTMFEwHQYDVR0OBBYEFOGWIo2p
0ukW9kvX3pFJI98yPrAPMB8GA1UdIwQYMBaAFOGWIo2p0ukW9kvX3pFJI98yPrAP
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgRg6moLsNlxVY/TtY
211HPlBXK7Vj3ThgAxrEKl8voSMCIQCcZ4yCcAb5XjjCQP6OHpHyoNq5elxZ6JN0
+3XYDnd6DA==
-----END CERTIFICATE-----
`;

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');

function pem(key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1' | 'spki'): string {
  return (key.export as (options: object) => string | Buffer).call(key, { format: 'pem', type }).toString();
}
function jwk(key: KeyObject, more: object = {}): Record<string, string> {
  return { ...key.export({ format: 'jwk' }), ...more } as Record<string, string>;
}
function parse(text: string | object, kind: KeyKind = 'any'): Promise<ParsedKey> {
  return parseKey(Buffer.from(typeof text === 'string' ? text : JSON.stringify(text)), { kind });
}

describe('a private key from an operator', () => {
  it.each([
    ['PKCS#8, RSA', pem(rsa.privateKey, 'pkcs8'), rsa],
    ['PKCS#1', pem(rsa.privateKey, 'pkcs1'), rsa],
    ['PKCS#8, EC', pem(ec.privateKey, 'pkcs8'), ec],
    ['SEC1', pem(ec.privateKey, 'sec1'), ec],
    [
      'SEC1 after EC PARAMETERS',
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${pem(ec.privateKey, 'sec1')}`,
      ec,
    ],
    ['PKCS#8, Ed25519', pem(ed.privateKey, 'pkcs8'), ed],
    ['PKCS#8 with CRLF and blank lines', `\r\n${pem(ec.privateKey, 'pkcs8').replaceAll('\n', '\r\n')}\n\n`, ec],
  ])('is read from PEM: %s', async (_name, text, pair) => {
    const key = await parse(text, 'pem');
    expect(key.publicJwk).toEqual(jwk(pair.publicKey));
    expect(key.thumbprint).toBe(await thumbprintOf(key.publicJwk));
    expect(key.privateKey && publicJwkOf(key.privateKey)).toEqual(key.publicJwk);
    expect(key).toMatchObject({ kid: null, alg: null });
  });

  it.each([
    ['RSA', rsa],
    ['EC', ec],
    ['Ed25519', ed],
  ])('is read from a JWK, with its kid and alg: %s', async (_name, pair) => {
    const key = await parse(jwk(pair.privateKey, { kid: 'key-1', alg: 'XX', use: 'sig' }), 'jwk');
    expect(key).toMatchObject({ kid: 'key-1', alg: 'XX', publicJwk: jwk(pair.publicKey) });
    expect(key.privateKey && publicJwkOf(key.privateKey)).toEqual(key.publicJwk);
  });

  it('is read from a JWK Set of one', async () => {
    expect((await parse({ keys: [jwk(ec.privateKey, { kid: 'a' })] }, 'jwk')).kid).toBe('a');
  });

  it('leaves no private member in the public half', async () => {
    const { publicJwk } = await parse(jwk(rsa.privateKey), 'jwk');
    expect(Object.keys(publicJwk)).toEqual(['kty', 'n', 'e']);
  });
});

describe('a public key from an operator', () => {
  it.each([
    ['SPKI', pem(rsa.publicKey, 'spki'), jwk(rsa.publicKey)],
    ['PKCS#1', pem(rsa.publicKey, 'pkcs1'), jwk(rsa.publicKey)],
    ['a certificate', CERTIFICATE, jwk(new X509Certificate(CERTIFICATE).publicKey)],
    ['a JWK', JSON.stringify(jwk(ec.publicKey)), jwk(ec.publicKey)],
    ['a JWK Set of one', JSON.stringify({ keys: [jwk(ed.publicKey)] }), jwk(ed.publicKey)],
  ])('is read from %s', async (_name, text, expected) => {
    for (const kind of ['public', 'any'] as const) {
      expect(await parse(text, kind)).toMatchObject({ publicJwk: expected, privateKey: null });
    }
  });
});
