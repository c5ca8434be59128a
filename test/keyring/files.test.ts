import { appendFileSync, chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ANY, codeOf, jwkOf, jwksOf, newKey, pemOf, type TestKey, until, World } from './support.js';

let world: World;
let a: TestKey;
let b: TestKey;
const SIGN = { expiresIn: '15m' };

let rsa: TestKey;

beforeAll(async () => {
  [a, b] = [await newKey('ES256'), await newKey('ES256')];
  rsa = await newKey('RS256');
});
beforeEach(() => {
  world = new World();
  world.put('jwks.json', jwksOf(a));
  world.put('key.jwk', jwkOf(a));
});
afterEach(() => world.end());

const flipped = (text: string) => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`;
/** It is reached through a link from then on, as the other file stays where it is. */
function openToOthers(name: string): void {
  mkdirSync(world.path('open'));
  chmodSync(world.path('open'), 0o777);
  renameSync(world.path(name), world.path(`open/${name}`));
  symlinkSync(`open/${name}`, world.path(name));
}

const code = (error: string | null) => error?.split(':')[0];

describe('a first start', () => {
  it('opens before there is anything, says so, and takes the first keys by itself', async () => {
    rmSync(world.path('jwks.json'));
    rmSync(world.path('key.jwk'));
    const keyring = await world.files();
    expect(keyring.health()).toEqual({
      kid: null,
      kids: [],
      preloaded: [],
      revision: null,
      loadedAt: null,
      error: expect.stringContaining('source-unreadable: '),
    });
    expect(keyring.health().status).toBe(503);
    expect(await codeOf(keyring.sign({}, SIGN))).toBe('no-signing-key');
    expect(await codeOf(keyring.verify('a.b.c', ANY))).toBe('no-keys');
    expect(() => keyring.jwks()).toThrow(expect.objectContaining({ code: 'no-keys' }));
    world.put('jwks.json', jwksOf(a));
    await keyring.reload();
    // One that does both has keys to check with before it has one to sign with: jwtrot waits for the former first.
    expect(keyring.health()).toMatchObject({
      kid: null,
      kids: [a.kid],
      status: 200,
      error: expect.stringContaining('no such file'),
    });
    world.put('key.jwk', jwkOf(a));
    expect(await keyring.reload()).toMatchObject({ kid: a.kid, error: null, status: 200 });
  });

  it('of a signer alone has status 503 until it has its key', async () => {
    rmSync(world.path('key.jwk'));
    const keyring = await world.files({ role: 'signer' });
    expect(keyring.health()).toMatchObject({ kid: null, status: 503 });
    world.put('key.jwk', jwkOf(a));
    expect(await keyring.reload()).toMatchObject({ kid: a.kid, status: 200 });
  });
});

describe('health', () => {
  it('is exactly what jwtrot polls, as JSON', async () => {
    const keyring = await world.files();
    expect(JSON.parse(JSON.stringify(keyring.health()))).toEqual({
      kid: a.kid,
      kids: [a.kid],
      preloaded: [a.kid],
      revision: null,
      loadedAt: new Date(world.wall).toISOString(),
      error: null,
    });
    expect(keyring.jwks()).toEqual(JSON.parse(jwksOf(a)));
  });
});

describe('a key file that can not be used', () => {
  const cases: [string, () => void, string][] = [
    ['half written', () => writeFileSync(world.path('key.jwk'), jwkOf(a).slice(0, 200)), 'bad-key-file'],
    ['empty', () => writeFileSync(world.path('key.jwk'), ''), 'bad-key-file'],
    ['a public key', () => void world.put('key.jwk', JSON.stringify(JSON.parse(jwksOf(a)).keys[0])), 'bad-key-file'],
    ['gone', () => rmSync(world.path('key.jwk')), 'source-unreadable'],
    ['endless', () => appendFileSync(world.path('key.jwk'), Buffer.alloc(70_000)), 'source-unreadable'],
    ['writable by others', () => chmodSync(world.path('key.jwk'), 0o606), 'source-unreadable'],
    ['in a folder that others may write', () => openToOthers('key.jwk'), 'source-unreadable'],
    ['not published', () => void world.put('key.jwk', jwkOf(b)), 'key-not-published'],
    [
      'of another keyset',
      () => void world.put('key.jwk', JSON.stringify({ ...JSON.parse(jwkOf(a)), jwtrot: { keyset: 'web' } })),
      'other-keyset',
    ],
    [
      'another key under the same kid',
      () => void world.put('key.jwk', jwkOf({ ...b, kid: a.kid })),
      'key-not-published',
    ],
  ];
  it.each(cases)('%s: what it had signs on', async (_name, spoil, expected) => {
    const keyring = await world.files();
    spoil();
    const health = await keyring.reload();
    expect([code(health.error), health.kid, health.status]).toEqual([expected, a.kid, 200]);
    const token = await keyring.sign({}, SIGN);
    expect((await keyring.verify(token, ANY)).protectedHeader.kid).toBe(a.kid);
  });

  it.each(cases)('%s at the start: nothing signs', async (_name, spoil, expected) => {
    spoil();
    const keyring = await world.files();
    expect([code(keyring.health().error), keyring.health().kid]).toEqual([expected, null]);
    expect(await codeOf(keyring.sign({}, SIGN))).toBe('no-signing-key');
  });

  it('keeps no retired key alive: the set is taken all the same', async () => {
    const keyring = await world.files();
    const token = await keyring.sign({}, SIGN);
    rmSync(world.path('key.jwk'));
    world.put('jwks.json', jwksOf(b));
    expect(await keyring.reload()).toMatchObject({ kid: null, kids: [b.kid], preloaded: [] });
    expect(await codeOf(keyring.verify(token, ANY))).toBe('unknown-kid');
    expect(await codeOf(keyring.sign({}, SIGN))).toBe('no-signing-key');
  });

  it.each([
    ['whose d is of another key', () => ({ ...JSON.parse(jwkOf(b)), d: JSON.parse(jwkOf(a)).d })],
    ['whose d has another character', () => ({ ...JSON.parse(jwkOf(b)), d: flipped(JSON.parse(jwkOf(b)).d) })],
    ['whose d is 0', () => ({ ...JSON.parse(jwkOf(b)), d: Buffer.alloc(32).toString('base64url') })],
    ['whose primes are 1', () => ({ ...JSON.parse(jwkOf(rsa)), p: 'AQ', q: 'AQ' })],
  ])('%s keeps no retired key alive either', async (_name, damaged) => {
    const keyring = await world.files();
    const token = await keyring.sign({}, SIGN);
    world.put('key.jwk', JSON.stringify(damaged()));
    world.put('jwks.json', jwksOf(b, rsa));
    const health = await keyring.reload();
    expect([code(health.error), health.kid, health.kids]).toEqual(['bad-key-file', null, [b.kid, rsa.kid]]);
    expect(await codeOf(keyring.verify(token, ANY))).toBe('unknown-kid');
  });

  it("leaves no key to sign with whose kid is another key's by now", async () => {
    const keyring = await world.files();
    rmSync(world.path('key.jwk'));
    world.put('jwks.json', jwksOf({ ...b, kid: a.kid }));
    expect(await keyring.reload()).toMatchObject({ kid: null, kids: [a.kid], preloaded: [] });
  });

  it('says nothing of its content', async () => {
    writeFileSync(world.path('key.jwk'), jwkOf(a).slice(0, -30));
    const keyring = await world.files();
    expect(keyring.health().error).not.toContain(JSON.parse(jwkOf(a)).d.slice(0, 8));
  });
});

describe('a key file that can be used', () => {
  it('is a PEM, whose kid and alg are those of the set', async () => {
    world.put('key.jwk', pemOf(a));
    const keyring = await world.files();
    expect(keyring.health()).toMatchObject({ kid: a.kid, error: null });
  });

  it('is reached through links, as in the volumes of containers', async () => {
    for (const [name, text] of [
      ['one', jwksOf(a)],
      ['two', jwksOf(a, b)],
    ] as const) {
      mkdirSync(world.path(name));
      world.put(`${name}/jwks.json`, text);
    }
    symlinkSync('one', world.path('..data'));
    symlinkSync('..data/jwks.json', world.path('linked.json'));
    const keyring = await world.open({ role: 'verifier', from: { files: { jwks: world.path('linked.json') } } });
    expect(keyring.health().kids).toEqual([a.kid]);
    rmSync(world.path('..data'));
    symlinkSync('two', world.path('..data'));
    world.pass(1_000);
    await until(() => keyring.health().kids.length === 2);
  });

  it('tells maxTokenTtl, and the shorter one holds', async () => {
    const withTtl = (seconds: number) =>
      JSON.stringify({ ...JSON.parse(jwkOf(a)), jwtrot: { keyset: 'api', maxTokenTtl: seconds } });
    world.put('key.jwk', withTtl(600));
    const told = await world.open({
      from: { files: { jwks: world.path('jwks.json'), key: world.path('key.jwk') } },
      maxTokenTtl: undefined as never,
    });
    expect(await codeOf(told.sign({}, { expiresIn: '601s' }))).toBe('ttl-too-long');
    expect(typeof (await told.sign({}, { expiresIn: '600s' }))).toBe('string');
    const shorter = await world.files({ maxTokenTtl: '5m' });
    expect(await codeOf(shorter.sign({}, { expiresIn: '301s' }))).toBe('ttl-too-long');
  });

  it('must be told maxTokenTtl by somebody', async () => {
    const keyring = await world.files({ maxTokenTtl: undefined as never });
    expect(await codeOf(keyring.sign({}, SIGN))).toBe('ttl-unknown');
  });
});

describe('a JWKS that anybody may replace', () => {
  it('is not taken, whatever it says', async () => {
    const keyring = await world.files({ role: 'verifier' });
    world.put('jwks.json', jwksOf(a, b));
    openToOthers('jwks.json');
    expect(await keyring.reload()).toMatchObject({
      kids: [a.kid],
      error: expect.stringMatching(/can be written by others/),
    });
    chmodSync(world.path('open'), 0o755);
    expect(await keyring.reload()).toMatchObject({ kids: [a.kid, b.kid], error: null });
  });
});

describe('a rotation', () => {
  it('is seen a second after the files changed, and both keys verify', async () => {
    const keyring = await world.files();
    const old = await keyring.sign({}, SIGN);
    world.put('jwks.json', jwksOf(a, b));
    world.pass(1_000);
    await until(() => keyring.health().kids.length === 2);
    expect(keyring.health().kid).toBe(a.kid);
    world.put('key.jwk', jwkOf(b));
    await until(() => world.timers.size === 2);
    world.pass(1_000);
    await until(() => keyring.health().kid === b.kid);
    const fresh = await keyring.sign({}, SIGN);
    for (const token of [old, fresh]) expect(await keyring.verify(token, ANY)).toBeTruthy();
  });

  it('is seen on SIGHUP, also one that comes while it opens', async () => {
    const opening = world.files({ reloadOn: 'SIGHUP' });
    expect(world.hangups.size).toBe(1);
    const keyring = await opening;
    world.put('jwks.json', jwksOf(a, b));
    world.pass(10_000);
    expect(keyring.health().kids).toHaveLength(1);
    for (const hangup of world.hangups) hangup();
    await until(() => keyring.health().kids.length === 2);
  });

  it('is seen by an unknown kid, once in a cool-down', async () => {
    const keyring = await world.files({ reloadOn: [] });
    world.put('jwks.json', jwksOf(a, b));
    world.put('key.jwk', jwkOf(b));
    const token = await (await world.files()).sign({}, SIGN);
    expect((await keyring.verify(token, ANY)).protectedHeader.kid).toBe(b.kid);
    world.put('jwks.json', jwksOf(a));
    await keyring.reload();
    world.put('jwks.json', jwksOf(a, b));
    expect(await codeOf(keyring.verify(token, ANY))).toBe('unknown-kid');
    world.steady += 30_000;
    expect((await keyring.verify(token, ANY)).protectedHeader.kid).toBe(b.kid);
  });

  it('is seen at the next refresh anyway', async () => {
    const keyring = await world.files({ reloadOn: [], refresh: '2m' });
    world.put('jwks.json', jwksOf(a, b));
    world.pass(119_999);
    expect(keyring.health().kids).toHaveLength(1);
    world.pass(1);
    await until(() => keyring.health().kids.length === 2);
  });
});

describe('a source that is away', () => {
  it('is trusted for staleAfter, not longer, by the clock that says more; and again once it is back', async () => {
    for (const jump of [(ms: number) => (world.wall += ms), (ms: number) => (world.steady += ms)]) {
      world.put('jwks.json', jwksOf(a));
      const keyring = await world.files();
      const token = await keyring.sign({}, { expiresIn: '1h' });
      rmSync(world.path('jwks.json'));
      jump(3_590_000);
      expect(keyring.health().status).toBe(200);
      jump(10_000);
      expect(keyring.health()).toMatchObject({ kid: null, kids: [], preloaded: [], status: 503 });
      expect(await codeOf(keyring.verify(token, ANY))).toBe('stale');
      expect(() => keyring.jwks()).toThrow(expect.objectContaining({ code: 'stale' }));
      world.put('jwks.json', jwksOf(a));
      world.wall = Date.now();
      expect(await keyring.reload()).toMatchObject({ kids: [a.kid], status: 200 });
      expect(await keyring.verify(token, ANY)).toBeTruthy();
      await keyring.close();
    }
  });

  it('a clock that jumps an hour ahead costs one read, and no key', async () => {
    const keyring = await world.files();
    const stranger = `${Buffer.from('{"alg":"ES256","kid":"x"}').toString('base64url')}.e30.AAAA`;
    expect(await codeOf(keyring.verify(stranger, ANY))).toBe('unknown-kid');
    world.wall += 3_600_000;
    const token = await keyring.sign({}, SIGN);
    expect(await keyring.verify(token, ANY)).toBeTruthy();
    world.wall -= 2 * 3_600_000;
    expect(await codeOf(keyring.verify(token, ANY))).not.toBe('stale');
  });

  it('a signer cut off signs for signStaleAfter, not longer', async () => {
    const keyring = await world.files({ role: 'signer', signStaleAfter: '1h' });
    rmSync(world.path('key.jwk'));
    world.steady += 3_599_000;
    expect(typeof (await keyring.sign({}, SIGN))).toBe('string');
    world.steady += 1_000;
    expect(await codeOf(keyring.sign({}, SIGN))).toBe('stale');
    expect(keyring.health()).toMatchObject({ kid: null, status: 503 });
    const off = await world.files({ role: 'signer', signStaleAfter: 'off' });
    expect(off.health().kid).toBe(null);
    world.put('key.jwk', jwkOf(a));
    await off.reload();
    rmSync(world.path('key.jwk'));
    world.steady += 1e12;
    expect(typeof (await off.sign({}, SIGN))).toBe('string');
  });

  it('is asked again sooner than usual', async () => {
    const keyring = await world.files({ reloadOn: [], refresh: '5m', cooldown: '10s' });
    rmSync(world.path('jwks.json'));
    await keyring.reload();
    world.put('jwks.json', jwksOf(a, b));
    world.pass(10_000);
    await until(() => keyring.health().kids.length === 2);
  });
});

describe('a keyring that is closed', () => {
  it('holds no key, timer or handler, and says so', async () => {
    const keyring = await world.files({ reloadOn: ['change', 'SIGHUP'] });
    const token = await keyring.sign({}, SIGN);
    await keyring.close();
    await keyring.close();
    expect([world.timers.size, world.hangups.size]).toEqual([0, 0]);
    expect(await codeOf(keyring.sign({}, SIGN))).toBe('closed');
    expect(await codeOf(keyring.verify(token, ANY))).toBe('closed');
    expect(await keyring.reload()).toMatchObject({ kid: null, kids: [], preloaded: [], status: 503 });
    expect(() => keyring.jwks()).toThrow(expect.objectContaining({ code: 'closed' }));
  });

  it('closes during a load, too', async () => {
    const keyring = await world.files({ reloadOn: [] });
    const reload = keyring.reload();
    await keyring.close();
    expect((await reload).kids).toEqual([]);
    expect(world.timers.size).toBe(0);
  });

  it('leaves other keyrings of the process alone', async () => {
    const [one, other] = [await world.files({ reloadOn: 'SIGHUP' }), await world.files({ reloadOn: 'SIGHUP' })];
    await one.close();
    expect(world.hangups.size).toBe(1);
    expect(typeof (await other.sign({}, SIGN))).toBe('string');
  });
});
