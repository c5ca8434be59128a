import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import type { PublishedJwk } from '../../src/keyset/published/jwk-set.js';
import type { TokenHealth } from '../../src/services/health-kinds.js';
import { readToken } from '../../src/services/token.js';
import { healthAt } from './services.js';

const { kid: _, kids: _kids, preloaded: _preloaded, ...common } = healthAt('http://h/');
const HEALTH: TokenHealth = { ...common, type: 'token', method: 'POST', body: null, token: '/data/token' };

async function pair(kid: string, alg: 'ES256' | 'RS256' = 'ES256') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } as PublishedJwk;
  const sign = (claims: object = {}) =>
    new SignJWT({ sub: 'u', iat: NOW, exp: NOW + 60, ...claims }).setProtectedHeader({ alg, kid }).sign(privateKey);
  return { jwk, sign };
}

/** Seconds. */
const NOW = 1_800_000_000;
const SKEW = 30;

const body = (answer: unknown) => Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer));
const read = (token: unknown, published: readonly PublishedJwk[] | null) =>
  readToken(
    HEALTH,
    body({ data: { token } }),
    published === null ? null : { published, asked: 1_000 * NOW + 900, clockSkew: 1_000 * SKEW },
  );

describe('A token', () => {
  it('shows the key that it is signed with, once it verifies', async () => {
    const a = await pair('a');
    expect(await read(await a.sign(), [a.jwk])).toEqual({ ok: true, kid: 'a', kids: null, worker: null });
    const rsa = await pair('r', 'RS256');
    expect(await read(await rsa.sign(), [a.jwk, rsa.jwk])).toMatchObject({ ok: true, kid: 'r' });
  });

  it('of another key under that kid proves nothing, nor does another algorithm, an altered or an unsigned one', async () => {
    const [a, other] = [await pair('a'), await pair('a')];
    const wrong = { ok: false, reason: 'its token of "a" does not verify against that published key' };
    expect(await read(await other.sign(), [a.jwk])).toEqual(wrong);
    expect(await read(await a.sign(), [{ ...a.jwk, alg: 'RS256' }])).toEqual(wrong);
    const [head, , signature] = (await a.sign()).split('.');
    const altered = Buffer.from('{"sub":"admin"}').toString('base64url');
    expect(await read(`${head}.${altered}.${signature}`, [a.jwk])).toEqual(wrong);
    const none = Buffer.from('{"alg":"none","kid":"a"}').toString('base64url');
    expect(await read(`${none}.${altered}.`, [a.jwk])).toEqual(wrong);
  });

  it.each<[string, object]>([
    ['was made before it was asked for: it comes from a cache', { iat: NOW - SKEW - 1 }],
    ['has expired', { iat: NOW - 120, exp: NOW - SKEW - 1 }],
    ['has no iat', { iat: undefined }],
    ['has no exp', { exp: undefined }],
    ['is refused for its nbf', { nbf: NOW + SKEW + 5 }],
  ])('that %s proves nothing', async (reason, claims) => {
    const a = await pair('a');
    expect(await read(await a.sign(claims), [a.jwk])).toEqual({ ok: false, reason: `its token of "a" ${reason}` });
  });

  it('may be as much older as clocks may differ', async () => {
    const a = await pair('a');
    const claims = { iat: NOW - SKEW, exp: NOW - SKEW + 5 };
    expect(await read(await a.sign(claims), [a.jwk])).toMatchObject({ ok: true, kid: 'a' });
  });

  it('of a key that is not published is named by its kid: nobody can confirm with it', async () => {
    const [a, gone] = [await pair('a'), await pair('gone')];
    expect(await read(await gone.sign(), [a.jwk])).toMatchObject({ ok: true, kid: 'gone' });
    expect(await read(await gone.sign(), null)).toMatchObject({ ok: true, kid: 'gone' });
  });

  it.each([
    [body('topsecret'), 'the answer is not JSON'],
    [body(''), 'the answer is not JSON'],
    [body({ token: 'topsecret' }), 'there is no token at "/data/token"'],
    [body({ data: { token: 5 } }), 'there is no token at "/data/token"'],
    [body({ data: { token: 'topsecret' } }), 'what is at "/data/token" is not a JWT with a kid'],
    [body({ data: { token: 'e30.topsecret.x' } }), 'what is at "/data/token" is not a JWT with a kid'],
    [body({ data: { token: 'a.b.c.d.topsecret' } }), 'what is at "/data/token" is not a JWT with a kid'],
  ])('that is none is refused without a word of it', async (answer, reason) => {
    expect(await readToken(HEALTH, answer, null)).toEqual({ ok: false, reason });
  });
});
