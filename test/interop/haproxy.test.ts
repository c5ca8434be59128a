import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { World } from '../e2e/world.js';
import { changed } from '../languages/programs.js';
import { goThrough } from './go-through.js';
import { verifier } from './parties/haproxy.js';
import { CLAIMS, type Verifier } from './party.js';

goThrough(verifier);

const ALGS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'EdDSA'];

let world: World;
let haproxy: Verifier;
beforeEach(async () => {
  world = new World();
  haproxy = await verifier.open({ world, jwks: '', jwksUrl: '', key: '' });
});
afterEach(async () => {
  await haproxy.stop();
  await world.close();
});

const fileOf = (kid: string) => world.path(`haproxy/jwt/${kid}.pem`);

/** A key whose public half lies in the directory. */
async function keyIn(kid: string, alg = 'ES256') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  writeFileSync(fileOf(kid), await exportSPKI(publicKey));
  return privateKey;
}

const now = () => Math.floor(Date.now() / 1000);
const claims = () => ({ ...CLAIMS, exp: now() + 60 });
type Key = Awaited<ReturnType<typeof keyIn>>;
const token = (key: Key, header: { kid?: string; alg?: string } = {}, changes: object = {}) =>
  new SignJWT({ ...claims(), ...changes }).setProtectedHeader({ alg: 'ES256', kid: 'own', ...header }).sign(key);

/** Signed in the name of the algorithm with HMAC-SHA-256 by a secret that is no secret. */
function hmac(secret: string): string {
  const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url');
  const input = `${part({ alg: 'HS256', kid: 'own' })}.${part(claims())}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

describe('HAProxy, as in examples/haproxy', () => {
  it('accepts a good token, and no other', async () => {
    const [own, other] = [await keyIn('own'), await keyIn('-other')];
    await haproxy.start();
    const wrong: Record<string, string | Promise<string>> = {
      'no token': '',
      garbage: 'a.b.c',
      'an unknown kid': token(own, { kid: 'nobody' }),
      'a kid that is a path': token(own, { kid: '../jwt/own' }),
      'no kid': token(own, { kid: undefined as never }),
      'the kid of another key': token(own, { kid: '-other' }),
      'no signature': new UnsecuredJWT(claims()).encode(),
      'HS256 with the path for the secret': hmac(fileOf('own')),
      'HS256 with the key for the secret': hmac(readFileSync(fileOf('own'), 'utf8')),
      'another algorithm': token((await generateKeyPair('ES384')).privateKey, { alg: 'ES384' }),
      expired: token(own, {}, { exp: now() - 1 }),
      'no exp': token(own, {}, { exp: undefined }),
      'not yet valid': token(own, {}, { nbf: now() + 100 }),
      'another issuer': token(own, {}, { iss: 'https://mallory.example' }),
      'no issuer': token(own, {}, { iss: undefined }),
      'another audience': token(own, {}, { aud: 'web' }),
      'several audiences': token(own, {}, { aud: ['api', 'web'] }),
    };
    const statuses = Object.entries(wrong).map(
      async ([what, made]) => [what, await haproxy.check(await made)] as const,
    );
    expect(await Promise.all(statuses)).toEqual(Object.keys(wrong).map((what) => [what, 401]));
    expect(await haproxy.check(await token(own))).toBe(200);
    expect(await haproxy.check(await token(other, { kid: '-other' }))).toBe(200);
    expect(await haproxy.check(await token(own, {}, { nbf: now() }))).toBe(200);
  });

  it('starts with whatever else lies among the keys', async () => {
    const own = await keyIn('own');
    writeFileSync(fileOf('notes'), 'no key');
    writeFileSync(fileOf('a "b" c'), readFileSync(fileOf('own')));
    await haproxy.start();
    expect(await haproxy.check(await token(own))).toBe(200);
  });

  it('knows RSA with PKCS #1 v1.5 and ECDSA, and nothing newer', async () => {
    const program = world.path('haproxy/jwt-keys');
    writeFileSync(program, changed(readFileSync(program, 'utf8'), [['algs=ES256', `algs="${ALGS.join(' ')}"`]]));
    const tokens: Record<string, string> = {};
    for (const alg of ALGS) tokens[alg] = await token(await keyIn(alg, alg), { alg, kid: alg });
    await haproxy.start();
    const known = ALGS.map(async (alg) => [alg, await haproxy.check(tokens[alg] ?? '')] as const);
    const expected = ALGS.map((alg) => [alg, alg === 'PS256' || alg === 'EdDSA' ? 401 : 200]);
    expect(await Promise.all(known)).toEqual(expected);
  });
});
