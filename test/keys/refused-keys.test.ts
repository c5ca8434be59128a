import {
  checkPrimeSync,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  generatePrimeSync,
  type KeyObject,
} from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type KeyKind, type ParsedKey, parseKey } from '../../src/keys/import-key.js';
import { JwtrotError } from '../../src/keyset/basics/error.js';

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

/** As Infineon's library made them, of 1,024 bits: the first from this power of 65537 on. */
function rocaPrime(start: number): bigint {
  const isPrime = (n: number) => Array.from({ length: n - 2 }, (_, i) => i + 2).every((factor) => n % factor !== 0);
  const product = Array.from({ length: 700 }, (_, i) => i + 2)
    .filter(isPrime)
    .reduce((all, n) => all * BigInt(n), 1n);
  for (let power = 65_537n ** BigInt(start) % product; ; power = (power * 65_537n) % product) {
    const candidate = ((3n << 1022n) / product) * product + power;
    if (checkPrimeSync(candidate)) return candidate;
  }
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
    ['a JWK of type constructor', '{"kty":"constructor","n":"AQAB","e":"AQAB"}', /no kty out of/, null],
    ['a JWK of type __proto__', '{"kty":"__proto__","n":"AQAB","e":"AQAB"}', /no kty out of/, null],
    ['a JWK whose members are inherited', '{"__proto__":{"kty":"EC","crv":"P-256"}}', /no kty out of/, null],
    ['a JWK whose type is an object', '{"kty":{"toString":"RSA"}}', /no kty out of/, null],
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

  it.each(['dp', 'dq', 'qi', 'p', 'q', 'd'])('an RSA key whose %s is wrong is refused as PEM, too', async (name) => {
    const members = jwk(rsa.privateKey);
    const bytes = Buffer.from(members[name] ?? '', 'base64url');
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 2;
    const spoiled = createPrivateKey({ key: { ...members, [name]: bytes.toString('base64url') }, format: 'jwk' });
    for (const type of ['pkcs8', 'pkcs1'] as const) {
      expect((await refusal(pem(spoiled, type), 'pem')).message).toMatch(/do not belong/);
    }
  });

  const prime = (bits: number) => generatePrimeSync(bits, { bigint: true });
  it.each([
    ['even', (prime(2047) << 1n) | (1n << 2047n), /is even/],
    ['a multiple of a small prime', prime(2040) * 65_521n, /is divisible by 65521/],
    ['a prime', prime(2048), /is a prime/],
    ['a square', prime(1024) ** 2n, /is a power/],
    ['a cube', prime(684) ** 3n, /is a power/],
  ])('a modulus that is %s is refused', async (_, n, message) => {
    const hex = n.toString(16);
    const text = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
    const key = { kty: 'RSA', n: text, e: 'AQAB' };
    expect((await refusal(key, 'public')).message).toMatch(message);
    const spki = createPublicKey({ key, format: 'jwk' });
    expect((await refusal(pem(spki, 'spki'), 'public')).message).toMatch(message);
    // The leaked key itself must be found all the same.
    expect((await parse(key, 'any')).privateKey).toBeNull();
  });

  it.each([
    ['3', 3n],
    ['2^16', 2n ** 16n],
    ['2^16 - 1', 2n ** 16n - 1n],
    ['2^256 + 1', 2n ** 256n + 1n],
  ])('a public exponent of %s is refused, unless the key is only looked for', async (_, e) => {
    const bytes = Buffer.from(e.toString(16).padStart(66, '0'), 'hex');
    const key = {
      ...jwk(rsa.publicKey),
      e: bytes.subarray(bytes.findIndex((byte) => byte !== 0)).toString('base64url'),
    };
    expect((await refusal(key, 'public')).message).toMatch(/public exponent that is unsafe/);
    if (e % 2n === 1n) expect((await parse(key, 'any')).privateKey).toBeNull();
  });

  it('a public exponent at the limits is taken', async () => {
    for (const e of [2n ** 16n + 1n, 2n ** 256n - 1n]) {
      const text = Buffer.from(e.toString(16).padStart(64, '0'), 'hex');
      const key = {
        ...jwk(rsa.publicKey),
        e: text.subarray(text.findIndex((byte) => byte !== 0)).toString('base64url'),
      };
      expect((await parse(key, 'public')).publicJwk).toMatchObject({ e: key.e });
    }
  });

  it('a modulus of the chips with weak primes (ROCA) is refused', async () => {
    const n = rocaPrime(1) * rocaPrime(2_000);
    const text = Buffer.from(n.toString(16).padStart(512, '0'), 'hex').toString('base64url');
    expect((await refusal({ kty: 'RSA', n: text, e: 'AQAB' }, 'public')).message).toMatch(/ROCA/);
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
