import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Keyring, KeyringOptions } from '../../src/keyring/public.js';
import { ANY, codeOf, jwkOf, jwksOf, newKey, type TestKey, until, World } from './support.js';

let world: World;
let server: Server;
let url: string;
let asked: { 'cache-control': string | undefined }[];
let headers: Record<string, string>;
let set: () => TestKey[];
let hold: Promise<void>;
let a: TestKey;
let b: TestKey;

const answer: RequestListener = async (request, response) => {
  asked.push({ 'cache-control': request.headers['cache-control'] });
  const keys = set();
  await hold;
  if (keys.length === 0) response.writeHead(503).end();
  else response.writeHead(200, headers).end(jwksOf(...keys));
};

beforeAll(async () => {
  [a, b] = [await newKey(), await newKey()];
});
beforeEach(async () => {
  world = new World();
  [asked, headers, hold] = [[], {}, Promise.resolve()];
  set = () => [a];
  server = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json?secret=hush`;
});
afterEach(async () => {
  await world.end();
  server.closeAllConnections();
  server.close();
});

const openUrl = (options: Partial<KeyringOptions> = {}): Promise<Keyring> =>
  world.open({ role: 'verifier', from: { jwks: url }, ...options });

async function tokenOf(key: TestKey): Promise<string> {
  world.put('jwks.json', jwksOf(key));
  world.put('key.jwk', jwkOf(key));
  const signer = await world.files({ role: 'signer', reloadOn: [] });
  const token = await signer.sign({}, { expiresIn: '1h' });
  await signer.close();
  return token;
}

describe('a URL', () => {
  it('is asked past caches', async () => {
    const keyring = await openUrl();
    expect(keyring.health()).toMatchObject({ kids: [a.kid], kid: null, revision: null, error: null });
    expect(asked).toEqual([{ 'cache-control': 'no-cache' }]);
  });

  it('is asked once in a cool-down, by however many tokens with unknown kids', async () => {
    const keyring = await openUrl({ cooldown: '30s', refresh: '30m' });
    const unknown = await tokenOf(b);
    const flood = () => Promise.all(Array.from({ length: 2_000 }, () => codeOf(keyring.verify(unknown, ANY))));
    for (let i = 0; i < 5; i++) expect(new Set(await flood())).toEqual(new Set(['unknown-kid']));
    expect(asked).toHaveLength(2);
    // Neither an answer without keys nor a failing one lifts it.
    set = () => [];
    world.pass(30_000);
    await flood();
    await flood();
    expect(asked).toHaveLength(3);
    set = () => [a, b];
    world.pass(30_000);
    expect(new Set((await flood()).map((one) => typeof one))).toEqual(new Set(['object']));
    expect(asked).toHaveLength(4);
  });

  it('is not asked for a token that no key could have signed', async () => {
    const keyring = await openUrl();
    const head = Buffer.from('{"alg":"HS256","kid":"x"}').toString('base64url');
    expect(await codeOf(keyring.verify(`${head}.e30.AAAA`, ANY))).toBe('alg-refused');
    expect(asked).toHaveLength(1);
  });

  it('is asked again after an answer that may be from before the request to reload', async () => {
    const keyring = await openUrl();
    let release = () => {};
    hold = new Promise((resolve) => (release = resolve));
    const first = keyring.reload();
    await until(() => asked.length === 2);
    set = () => [a, b];
    const second = keyring.reload();
    hold = Promise.resolve();
    release();
    expect((await first).kids).toHaveLength(1);
    expect((await second).kids).toHaveLength(2);
    expect(asked).toHaveLength(3);
  });

  it('makes a token with an unknown kid wait for the answer that is under way', async () => {
    const token = await tokenOf(b);
    const keyring = await openUrl();
    let release = () => {};
    hold = new Promise((resolve) => (release = resolve));
    set = () => [a, b];
    const reload = keyring.reload();
    const verified = keyring.verify(token, ANY);
    await until(() => asked.length === 2);
    release();
    expect((await verified).protectedHeader.kid).toBe(b.kid);
    await reload;
    expect(asked).toHaveLength(2);
  });

  it('shows no query in its errors', async () => {
    set = () => [];
    const keyring = await openUrl();
    expect(keyring.health().error).toMatch(/^source-unreadable: http:\/\/127\.0\.0\.1:\d+\/jwks\.json: HTTP 503$/);
  });

  it('that does not answer is given up, and closing does not wait for it', async () => {
    hold = new Promise(() => {});
    const keyring = await openUrl({ timeout: '100ms' });
    expect(keyring.health()).toMatchObject({ status: 503, error: expect.stringContaining('no answer within 100ms') });
    const slow = await Promise.race([
      openUrl({ timeout: '10m' }).then(() => 'open'),
      until(() => asked.length === 2).then(() => 'asked'),
    ]);
    expect(slow).toBe('asked');
  });
});

describe('the next refresh', () => {
  const due = () => [...world.timers].map(({ at }) => at - world.steady);

  it.each([
    [{}, 300_000],
    [{ 'cache-control': 'max-age=86400' }, 300_000],
    [{ 'cache-control': 'max-age=120' }, 120_000],
    [{ 'cache-control': 'max-age=1' }, 30_000],
    [{ 'cache-control': 'no-store' }, 30_000],
  ])('with %j comes after %i ms', async (given, after) => {
    headers = given;
    await openUrl();
    expect(due()).toEqual([after]);
  });

  it.each([
    // The answer was 8 s old: 12 s are left, and the read may take 5 s.
    [{ age: '8' }, { staleAfter: '20s', refresh: '15s', cooldown: '5s' }, 7_000],
    [{ age: '8', 'cache-control': 'max-age=10' }, { staleAfter: '20s', refresh: '15s', cooldown: '10s' }, 7_000],
    [{ age: '18' }, { staleAfter: '20s', refresh: '15s', cooldown: '10s' }, 1_000],
    [{ age: '3300' }, {}, 270_000],
    [{ age: '600' }, {}, 300_000],
  ])('with %j and %j comes before the set is stale: after %i ms', async (given, options, after) => {
    headers = given;
    await openUrl(options);
    expect(due()).toEqual([after]);
  });

  it('after a failure comes before what is held is stale, too', async () => {
    const keyring = await openUrl({ staleAfter: '1m', refresh: '40s', cooldown: '30s' });
    set = () => [];
    world.steady += 50_000;
    await keyring.reload();
    expect(due()[0]).toBe(5_000);
    world.steady += 10_000;
    await keyring.reload();
    expect(due()[0]).toBe(30_000);
  });

  it('comes up to a tenth sooner, so that many processes do not ask together', async () => {
    world.random = () => 0.999;
    await openUrl();
    expect(due()[0]).toBeCloseTo(270_030, 0);
  });
});

describe('a set that goes stale by the clock', () => {
  const isWell = (keyring: Keyring) => () => keyring.health().status === 200;

  it('is read again when health is asked, which says why it is not well', async () => {
    const keyring = await openUrl();
    world.wall += 7_200_000;
    expect(keyring.health()).toMatchObject({ kids: [], status: 503, error: expect.stringMatching(/^stale: the keys/) });
    await until(isWell(keyring));
    expect([keyring.health().error, asked.length]).toEqual([null, 2]);
  });

  it('is read again when it is to be shown', async () => {
    const keyring = await openUrl();
    world.wall += 7_200_000;
    expect(() => keyring.jwks()).toThrow(expect.objectContaining({ code: 'stale' }));
    await until(() => asked.length === 2);
    await until(isWell(keyring));
    expect(keyring.jwks().keys).toHaveLength(1);
  });

  it('is asked for once in a cool-down, however often health is, and the failure is said besides', async () => {
    const keyring = await openUrl();
    set = () => [];
    world.wall += 7_200_000;
    for (let i = 0; i < 1_000; i++) keyring.health();
    await until(() => keyring.health().error?.includes('HTTP 503') === true);
    expect(keyring.health().error).toMatch(/^stale: .* \(source-unreadable: .*HTTP 503\)$/);
    expect(asked).toHaveLength(2);
  });

  it('of a private half is read again, too', async () => {
    world.put('jwks.json', jwksOf(a));
    world.put('key.jwk', jwkOf(a));
    const signer = await world.files({ role: 'signer', reloadOn: [] });
    world.wall += 25 * 3_600_000;
    expect(signer.health()).toMatchObject({
      kid: null,
      status: 503,
      error: expect.stringMatching(/^stale: the signing/),
    });
    await until(() => signer.health().kid === a.kid);
    expect(signer.health().error).toBe(null);
  });
});

describe('a set that is shown', () => {
  it('tells its age in whole seconds, rounded up, and not in the JSON', async () => {
    headers = { age: '30' };
    const keyring = await openUrl();
    expect(keyring.jwks().age).toBe(30);
    world.steady += 1_500;
    expect(keyring.jwks().age).toBe(32);
    expect(JSON.stringify(keyring.jwks())).toBe(JSON.stringify({ keys: keyring.jwks().keys }));
  });
});

describe('what is trusted', () => {
  it('counts from when the answer was made, not from when it came', async () => {
    headers = { age: '3000' };
    const keyring = await openUrl();
    set = () => [];
    world.steady += 590_000;
    expect(keyring.health().status).toBe(200);
    world.steady += 10_000;
    expect(keyring.health().status).toBe(503);
    const bad = await openUrl({ staleAfter: '20s' });
    expect(bad.health().status).toBe(503);
  });

  it('no Cache-Control makes longer', async () => {
    headers = { 'cache-control': 'public, max-age=31536000, immutable' };
    const keyring = await openUrl({ staleAfter: '10m', refresh: '9m' });
    const token = await tokenOf(a);
    set = () => [];
    world.steady += 600_000;
    world.wall += 600_000;
    expect(await codeOf(keyring.verify(token, ANY))).toBe('stale');
  });
});
