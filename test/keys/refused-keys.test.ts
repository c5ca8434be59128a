import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type KeyKind, type ParsedKey, parseKey } from '../../src/keys/import-key.js';
import { JwtrotError } from '../../src/keyset/error.js';

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
async function refusal(text: string | object, kind: KeyKind = 'any'): Promise<JwtrotError> {
  const error = await parse(text, kind).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof JwtrotError)) throw new Error(`expected a JwtrotError, got ${String(error)}`);
  expect(error).toMatchObject({ kind: 'usage', code: 'bad-key', exit: 2 });
  return error;
}

describe('input that is not a key to work with', () => {
  const smallRsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const encrypted = ec.privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' });
  const legacy = ec.privateKey.export({ format: 'pem', type: 'sec1', cipher: 'aes-256-cbc', passphrase: 'x' });
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
  const koblitz = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const x25519 = generateKeyPairSync('x25519');

  it.each([
    ['an encrypted PKCS#8 key', encrypted.toString(), /passphrase/, /openssl pkey -in FILE \|/],
    ['an encrypted SEC1 key', legacy.toString(), /passphrase/, /openssl pkey/],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQ' }, /symmetric/, null],
    ['a small RSA key', pem(smallRsa.privateKey, 'pkcs8'), /1024 bits/, null],
    ['a small RSA key in a JWK', jwk(smallRsa.publicKey), /1024 bits/, null],
    ['an RSA-PSS key', pem(pss.privateKey, 'pkcs8'), /rsa-pss/, /plain RSA/],
    ['a key on secp256k1', pem(koblitz.privateKey, 'pkcs8'), /curve/, null],
    ['a key on X25519', pem(x25519.privateKey, 'pkcs8'), /x25519/, null],
    ['a JWK on X25519', jwk(x25519.privateKey), /type x25519/, null],
    ['a JWK on an unknown curve', { ...jwk(ec.publicKey), crv: 'P-999' }, /curve/, null],
    ['two PEM blocks', pem(ec.privateKey, 'pkcs8') + pem(rsa.privateKey, 'pkcs8'), /2 blocks/, /one key alone/],
    ['text after the block', `${pem(ec.privateKey, 'pkcs8')}more`, /text before or after/, null],
    ['text before the block', `Bag Attributes\n${pem(ec.privateKey, 'pkcs8')}`, /text before or after/, null],
    ['a block that is cut off', pem(rsa.privateKey, 'pkcs8').slice(0, 400), /cut off/, null],
    ['a block with damaged contents', pem(ec.privateKey, 'pkcs8').replace('MIGH', 'AAAA'), /can't be read/, null],
    [
      'an OpenSSH key',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
      /OpenSSH/,
      /ssh-keygen/,
    ],
    [
      'a certificate request',
      '-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n',
      /is not a key/,
      null,
    ],
    ['nothing', '', /neither/, /openssl/],
    ['text', 'hello', /neither/, null],
    ['half a JWK', JSON.stringify(jwk(ec.privateKey)).slice(0, 60), /not JSON/, null],
    ['a JWK and more', `${JSON.stringify(jwk(ec.privateKey))}{}`, /not JSON/, null],
    ['a JWK Set of two', { keys: [jwk(ec.publicKey), jwk(rsa.publicKey)] }, /holds 2 keys/, null],
    ['an empty JWK Set', { keys: [] }, /holds 0 keys/, null],
    ['a JWK for encryption', jwk(ec.publicKey, { use: 'enc' }), /use is not sig/, null],
    ['a JWK without kty', { n: 'AQAB' }, /kty/, null],
    ['a JWK without x', { kty: 'EC', crv: 'P-256', y: 'AA' }, /lacks its member x/, null],
    ['an RSA JWK with d alone', { ...jwk(rsa.publicKey), d: jwk(rsa.privateKey)['d'] }, /lacks its member p/, null],
    ['a JWK with a kid that is no string', { ...jwk(ec.publicKey), kid: 7 }, /kid is not a string/, null],
    ['a JWK with an empty kid', jwk(ec.publicKey, { kid: '' }), /kid is empty/, null],
  ])('%s is refused', async (_name, text, message, hint) => {
    const error = await refusal(text);
    expect(error.message).toMatch(message);
    if (hint !== null) expect(error.hint).toMatch(hint);
  });

  it.each([
    ['EC', { ...jwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey), d: jwk(ec.privateKey)['d'] }],
    ['Ed25519', { ...jwk(generateKeyPairSync('ed25519').publicKey), d: jwk(ed.privateKey)['d'] }],
    [
      'RSA, another modulus',
      { ...jwk(rsa.privateKey), n: jwk(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)['n'] },
    ],
    [
      'RSA, another d',
      { ...jwk(rsa.privateKey), d: jwk(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)['d'] },
    ],
    ['RSA, swapped primes', { ...jwk(rsa.privateKey), p: jwk(rsa.privateKey)['q'], q: jwk(rsa.privateKey)['p'] }],
    ['RSA, another public exponent', { ...jwk(rsa.privateKey), e: 'Aw' }],
  ])('a private half of another key is refused: %s', async (_name, mixed) => {
    expect((await refusal(mixed)).message).toMatch(/do not belong|is not a key/);
  });

  it('is told which option it is for', async () => {
    expect((await refusal(pem(ec.publicKey, 'spki'), 'pem')).hint).toContain('--public');
    expect((await refusal(jwk(ec.publicKey), 'jwk')).hint).toContain('--public');
    expect((await refusal(pem(ec.privateKey, 'pkcs8'), 'jwk')).hint).toBe('use --pem');
    expect((await refusal(jwk(ec.privateKey), 'pem')).hint).toBe('use --jwk');
    expect((await refusal(pem(ec.privateKey, 'pkcs8'), 'public')).message).toBe('it holds a private key');
  });

  it('is never quoted, not even in the cause', async () => {
    const secret = jwk(ec.privateKey)['d'] as string;
    const bad: (string | object)[] = [
      `{"kty":"EC","d":"${secret}"`,
      `{"kty":"EC","crv":"P-256","x":"${secret}","y":"${secret}","d":"${secret}","kid":${secret}}`,
      { kty: secret, d: secret },
      { ...jwk(ec.privateKey), d: `${secret}!` },
      { ...jwk(ec.privateKey), y: secret, d: secret },
      `-----BEGIN ${secret}-----\n${secret}`,
      `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`,
      secret,
    ];
    for (const text of bad) {
      const error = await refusal(text);
      const shown = [error.message, error.hint, error.stack, String(error.cause), JSON.stringify(error.cause)].join(
        '\n',
      );
      expect(shown).not.toContain(secret.slice(0, 8));
    }
  });
});
