import { createHmac } from 'node:crypto';
import { CompactSign, decodeJwt, decodeProtectedHeader, importJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Keyring, VerifyOptions } from '../../src/keyring/public.js';
import { toSpkiPem } from '../../src/keys/public-key.js';
import { ALGORITHM_NAMES } from '../../src/keyset/basics/algorithm.js';
import { ANY, codeOf, jwkOf, jwksOf, newKey, type TestKey, World } from './support.js';

const world = new World();
let key: TestKey;
let other: TestKey;
let keyring: Keyring;
const SIGN = { expiresIn: '15m' };

beforeAll(async () => {
  key = await newKey('RS256');
  other = await newKey('RS256');
  world.put('jwks.json', jwksOf(key));
  world.put('key.jwk', jwkOf(key));
  keyring = await world.files();
});
afterAll(() => world.end());

/** A token of any header and payload, signed with a key that the keyring accepts. */
async function forged(header: object, payload: object = { exp: Math.floor(world.wall / 1000) + 60 }, by = key) {
  const signer = new CompactSign(new TextEncoder().encode(JSON.stringify(payload)));
  const signing = { alg: by.alg, kid: key.kid, ...header };
  return signer.setProtectedHeader(signing).sign(await importJWK(JSON.parse(jwkOf(by)), by.alg));
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const check = (token: string, options: VerifyOptions = ANY) => codeOf(keyring.verify(token, options));

describe('a token that the keyring made', () => {
  it('has the key in its header, and its times from expiresIn', async () => {
    const token = await keyring.sign({ sub: 'u1' }, { ...SIGN, issuer: 'me', audience: ['a', 'b'], type: 'at+jwt' });
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', kid: key.kid, typ: 'at+jwt' });
    const iat = Math.floor(world.wall / 1000);
    expect(decodeJwt(token)).toEqual({ sub: 'u1', iss: 'me', aud: ['a', 'b'], iat, exp: iat + 900 });
    const asked = { issuer: 'me', audience: 'b', type: 'at+jwt' };
    const { payload, protectedHeader } = await keyring.verify(token, asked);
    expect([payload['sub'], protectedHeader.kid]).toEqual(['u1', key.kid]);
    expect(await check(token, { ...asked, issuer: 'you' })).toBe('issuer-refused');
    expect(await check(token, { ...asked, audience: 'c' })).toBe('audience-refused');
    expect(await check(token, { ...asked, type: 'rt+jwt' })).toBe('type-refused');
  });

  it.each(ALGORITHM_NAMES)('is accepted with %s', async (alg) => {
    const one = await newKey(alg);
    const there = new World();
    there.put('jwks.json', jwksOf(one));
    there.put('key.jwk', jwkOf(one));
    const ring = await there.files();
    const token = await ring.sign({ sub: alg }, SIGN);
    expect((await ring.verify(token, ANY)).protectedHeader.alg).toBe(alg);
    await there.end();
  });

  it('is refused once it has expired, not before, and with the leeway', async () => {
    const token = await keyring.sign({}, { expiresIn: '10s' });
    world.wall += 69_000;
    expect(await check(token)).toMatchObject({ payload: {} });
    world.wall += 2_000;
    expect(await check(token)).toBe('token-expired');
  });
});

const CIRCLE: Record<string, unknown> = { sub: 'u1' };
CIRCLE['self'] = CIRCLE;

describe('what sign refuses', () => {
  it.each([
    [{ iat: 1 }, SIGN, 'reserved-claim'],
    [{ exp: 1 }, SIGN, 'reserved-claim'],
    [{ iss: 'x' }, { ...SIGN, issuer: 'y' }, 'reserved-claim'],
    [{}, { expiresIn: '61m' }, 'ttl-too-long'],
    [{}, { expiresIn: '999ms' }, 'bad-options'],
    [{}, { expiresIn: 900 }, 'bad-options'],
    [{}, {}, 'bad-options'],
    [{}, { ...SIGN, expires: '1h' }, 'bad-options'],
    [{}, { ...SIGN, audience: [] }, 'bad-options'],
    [[], SIGN, 'bad-options'],
    [{ f: () => 1 }, SIGN, 'bad-options'],
    [CIRCLE, SIGN, 'bad-options'],
  ])('%j with %j: %s', async (claims, options, code) => {
    expect(await codeOf(keyring.sign(claims as never, options as never))).toBe(code);
  });

  it('a BigInt', async () => expect(await codeOf(keyring.sign({ id: 1n }, SIGN))).toBe('bad-options'));
});

describe('what verify must be told', () => {
  it.each(['issuer', 'audience', 'type'])('%s, or null', async (name) => {
    const token = await keyring.sign({}, SIGN);
    const { [name as 'type']: _, ...rest } = ANY;
    for (const options of [rest, { ...ANY, [name]: '' }, { ...ANY, [name]: [] }, undefined])
      expect(await codeOf(keyring.verify(token, options as never))).toBe('bad-options');
  });
});

describe('a token that is refused', () => {
  it.each([
    ['', 'bad-token'],
    ['a.b.c', 'bad-token'],
    ['a'.repeat(70_000), 'bad-token'],
    [null as never, 'bad-token'],
  ])('no token: %.10s', async (token, code) => expect(await check(token)).toBe(code));

  it('one text of the same bytes besides its own', async () => {
    const token = await keyring.sign({}, SIGN);
    const [header = '', payload = '', signature = ''] = token.split('.');
    // 256 bytes: the last character has four bits that no byte takes.
    const alias = signature.slice(0, -1) + String.fromCharCode(signature.charCodeAt(signature.length - 1) + 1);
    const texts = [
      ` ${token}`,
      `${token}\n`,
      `${token}\r\n`,
      `${header}.${payload}.\t${signature}`,
      `${header}.${payload}.${signature}==`,
      `${header}.${payload}.${alias}`,
    ];
    for (const text of texts) expect([text, await check(text)]).toEqual([text, 'bad-token']);
    expect(await check(token)).toHaveProperty('payload');
  });

  it('alg none', async () => {
    const unsigned = `${part({ alg: 'none', kid: key.kid })}.${part({ sub: 'root', exp: 9e9 })}.`;
    expect(await check(unsigned)).toBe('alg-refused');
  });

  it('HS256 with the public key as its secret', async () => {
    const input = `${part({ alg: 'HS256', kid: key.kid })}.${part({ sub: 'root', exp: 9e9 })}`;
    for (const secret of [toSpkiPem(key.publicJwk), JSON.stringify(key.publicJwk)]) {
      const mac = createHmac('sha256', secret).update(input).digest('base64url');
      expect(await check(`${input}.${mac}`)).toBe('alg-refused');
    }
  });

  it('another algorithm than its key has, although that key could', async () => {
    expect(await check(await forged({ alg: 'PS256' }, undefined, { ...key, alg: 'PS256' }))).toBe('alg-refused');
  });

  it.each([
    { jku: 'http://127.0.0.1:1/jwks.json' },
    { x5u: 'http://127.0.0.1:1/cert.pem' },
    { jwk: { kty: 'RSA', n: 'AQAB', e: 'AQAB' } },
    { x5c: ['AAAA'] },
  ])('a header that brings its own key: %j', async (header) =>
    expect(await check(await forged(header))).toBe('header-refused'),
  );

  it('a critical extension that nobody knows', async () => {
    const [, payload] = (await keyring.sign({}, SIGN)).split('.');
    const header = part({ alg: 'RS256', kid: key.kid, crit: ['x'], x: 1 });
    expect(await check(`${header}.${payload}.AAAA`)).toBe('header-refused');
  });

  it.each([
    [undefined, 'kid-missing'],
    ['', 'kid-missing'],
    [7, 'kid-missing'],
    ['k'.repeat(257), 'kid-missing'],
    ['../../etc/passwd', 'unknown-kid'],
    ['__proto__', 'unknown-kid'],
    ['constructor', 'unknown-kid'],
  ])('kid %s', async (kid, code) => {
    const [, payload, signature] = (await keyring.sign({}, SIGN)).split('.');
    expect(await check(`${part({ alg: 'RS256', kid })}.${payload}.${signature}`)).toBe(code);
  });

  it('a wrong signature', async () => {
    expect(await check(await forged({}, undefined, { ...other, kid: key.kid }))).toBe('bad-signature');
  });

  it.each([
    [{}, 'claim-refused'],
    [{ exp: 'soon' }, 'claim-refused'],
    [{ exp: 1 }, 'token-expired'],
    [{ exp: 9e9, nbf: 8e9 }, 'token-not-yet-valid'],
  ])('claims %j', async (payload, code) => expect(await check(await forged({}, payload))).toBe(code));

  it('says nothing of the token', async () => {
    const token = await new SignJWT({ secret: 'hush', aud: 'x' })
      .setProtectedHeader({ alg: 'RS256', kid: key.kid })
      .setExpirationTime(1)
      .sign(await importJWK(JSON.parse(jwkOf(key)), 'RS256'));
    const error = await keyring.verify(token, ANY).catch((failure: Error) => failure);
    expect(error).toMatchObject({ code: 'token-expired', status: 401 });
    expect((error as Error).message).not.toMatch(/hush|eyJ/);
  });
});

describe('roles', () => {
  it('a verifier does not sign, a signer does not verify', async () => {
    const verifier = await world.files({ role: 'verifier' });
    const signer = await world.files({ role: 'signer' });
    const token = await signer.sign({}, SIGN);
    expect(await codeOf(verifier.sign({}, SIGN))).toBe('wrong-role');
    expect(await codeOf(signer.verify(token, ANY))).toBe('wrong-role');
    expect((await verifier.verify(token, ANY)).protectedHeader.kid).toBe(key.kid);
    expect(verifier.health()).toMatchObject({ kid: null, kids: [key.kid], preloaded: [] });
    expect(signer.health()).toMatchObject({ kid: key.kid, kids: [], preloaded: [key.kid] });
  });
});
