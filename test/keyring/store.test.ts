import { writeFileSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Keyring, KeyringOptions } from '../../src/keyring/public.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { systemClock } from '../../src/outside/system-clock.js';
import { createDirectoryStore } from '../../src/store/directory.js';
import type { Snapshot, Store } from '../../src/store/store.js';
import { createLocalWrapper } from '../../src/wrap/local.js';
import {
  firstManifest,
  type KeyParts,
  keyOf,
  newPair,
  nextManifest,
  type TestPair,
  thumbprintOf,
} from '../support/manifest.js';
import { ANY, codeOf, until, World } from './support.js';

let world: World;
let store: Store;
let a: TestPair;
let b: TestPair;
let newest: Snapshot | null;
const SIGN = { expiresIn: '15m' };
const code = (error: string | null) => error?.split(':')[0];

beforeAll(async () => {
  [a, b] = [await newPair(), await newPair()];
});
beforeEach(() => {
  world = new World();
  newest = null;
  store = createDirectoryStore({ path: world.path('store'), clock: systemClock, uid: world.uid, thumbprintOf });
  configure({});
});
afterEach(() => world.end());

function configure(policy: object, services: object[] = []): void {
  const configuration = {
    store: { type: 'directory', path: world.path('store') },
    wrap: { type: 'local', kek: { file: world.path('kek') } },
    keysets: { api: { alg: 'ES256', maxTokenTtl: '1h', ...policy, services } },
  };
  writeFileSync(world.path('jwtrot.yaml'), stringify(configuration), { mode: 0o600 });
}

async function commit(change: (former: Manifest) => Partial<Manifest>): Promise<Manifest> {
  const first = firstManifest('api');
  const manifest =
    newest === null ? { ...first, ...change(first) } : nextManifest(newest.manifest, change(newest.manifest));
  newest = await store.commitManifest(manifest, newest);
  if (newest === null) throw new Error('lost');
  return newest.manifest;
}

async function put(pair: TestPair): Promise<void> {
  const wrapper = createLocalWrapper({
    kek: { file: world.path('kek') },
    mayCreateKek: async () => true,
    uid: world.uid,
  });
  const wrapped = await wrapper.wrap(pair.privateKey, { keyset: 'api', kid: pair.thumbprint, alg: pair.alg });
  await store.putKey('api', pair.thumbprint, wrapped);
}

const keys = (...list: [TestPair, KeyParts][]) => ({
  keys: list.map(([pair, parts], i) => keyOf(pair, { version: i + 1, publishedAt: 1, ...parts })),
});
const ACTIVE = { state: 'active' } as const;
const OLD = { state: 'deprecated' } as const;

const openStore = (options: Partial<KeyringOptions> = {}): Promise<Keyring> =>
  world.open({ from: { config: world.path('jwtrot.yaml') }, maxTokenTtl: undefined as never, ...options });

describe('the store as a source', () => {
  it('has the pending key in memory before it is needed, and needs no KEK at the switch', async () => {
    await put(a);
    await put(b);
    await commit(() => keys([a, ACTIVE], [b, {}]));
    const keyring = await openStore();
    expect(keyring.health()).toMatchObject({
      kid: a.thumbprint,
      kids: [a.thumbprint, b.thumbprint],
      preloaded: [a.thumbprint, b.thumbprint],
      revision: 1,
      error: null,
    });
    const old = await keyring.sign({}, SIGN);
    writeFileSync(world.path('kek'), 'lost');
    await commit(() => keys([a, OLD], [b, ACTIVE]));
    expect(await keyring.reload()).toMatchObject({
      kid: b.thumbprint,
      kids: [a.thumbprint, b.thumbprint],
      preloaded: [b.thumbprint],
      revision: 2,
      error: null,
    });
    for (const token of [old, await keyring.sign({}, SIGN)]) expect(await keyring.verify(token, ANY)).toBeTruthy();
  });

  it('without a private key that can be unwrapped goes on with the former one, while that is published', async () => {
    await put(a);
    await commit(() => keys([a, ACTIVE]));
    const keyring = await openStore();
    await commit(() => keys([a, ACTIVE], [b, {}]));
    // The pending key is nowhere: jwtrot's gate sees that it is not preloaded.
    const waiting = await keyring.reload();
    expect(waiting).toMatchObject({ kid: a.thumbprint, preloaded: [a.thumbprint], status: 200 });
    expect(code(waiting.error)).toBe('store-failed');
    await commit(() => keys([a, OLD], [b, ACTIVE]));
    expect(await keyring.reload()).toMatchObject({ kid: a.thumbprint, kids: [a.thumbprint, b.thumbprint] });
    await commit(() => keys([a, { state: 'retired' }], [b, ACTIVE]));
    expect(await keyring.reload()).toMatchObject({ kid: null, kids: [b.thumbprint], preloaded: [] });
    expect(await codeOf(keyring.sign({}, SIGN))).toBe('no-signing-key');
  });

  it('proves a key anew whose kid has changed in the manifest', async () => {
    await put(a);
    await commit(() => keys([a, ACTIVE]));
    const keyring = await openStore();
    await commit((former) => ({ keys: former.keys.map((key) => ({ ...key, kid: 'renamed' })) }));
    // Wrapped under its former kid, it can't be unwrapped: then it must not sign, least of all under that kid.
    const health = await keyring.reload();
    expect([health.kid, health.kids, health.preloaded]).toEqual([null, ['renamed'], []]);
    expect(code(health.error)).toBe('store-failed');
    expect(await codeOf(keyring.sign({}, SIGN))).toBe('no-signing-key');
  });

  it('refuses another private key under the name of one', async () => {
    await put({ ...a, privateKey: b.privateKey });
    await commit(() => keys([a, ACTIVE]));
    const keyring = await openStore();
    expect([code(keyring.health().error), keyring.health().kid]).toEqual(['bad-key-file', null]);
  });

  it('is empty at first, and is read again', async () => {
    const keyring = await openStore();
    expect(keyring.health()).toMatchObject({ status: 503, error: expect.stringContaining('no-keyset: ') });
    await put(a);
    await commit(() => keys([a, ACTIVE]));
    expect(await keyring.reload()).toMatchObject({ kid: a.thumbprint, status: 200 });
  });

  it('shows the very first key as held, before any key signs: else it would never become active', async () => {
    await put(a);
    await commit(() => keys([a, {}]));
    const signer = await openStore({ role: 'signer' });
    expect(signer.health()).toMatchObject({ kid: null, preloaded: [a.thumbprint], status: 200, error: null });
    expect(await codeOf(signer.sign({}, SIGN))).toBe('no-signing-key');
  });

  it('gives a verifier no private key', async () => {
    await put(a);
    await commit(() => keys([a, ACTIVE]));
    const keyring = await openStore({ role: 'verifier' });
    expect(keyring.health()).toMatchObject({ kid: null, kids: [a.thumbprint], preloaded: [], error: null });
  });

  it('is never followed back to a lower revision', async () => {
    await put(a);
    const first = await commit(() => keys([a, ACTIVE]));
    await commit((former) => ({ ...keys([a, { state: 'retired' }], [b, { state: 'active' }]), events: former.events }));
    const keyring = await openStore({ role: 'verifier' });
    expect(keyring.health()).toMatchObject({ kids: [b.thumbprint], revision: 2 });
    const before = createDirectoryStore({
      path: world.path('before'),
      clock: systemClock,
      uid: world.uid,
      thumbprintOf,
    });
    await before.commitManifest(first, null);
    world.replaceFolder('before', 'store');
    const health = await keyring.reload();
    expect(health).toMatchObject({ kids: [b.thumbprint], revision: 2 });
    expect(code(health.error)).toBe('older-revision');
  });

  it('that does not answer changes nothing, and is trusted for jwksMaxAge, not longer', async () => {
    await put(a);
    await commit(() => keys([a, ACTIVE]));
    const keyring = await openStore();
    writeFileSync(world.path('store/api/manifest/0000000002.json'), 'damaged');
    const health = await keyring.reload();
    expect([code(health.error), health.kids]).toEqual(['store-failed', [a.thumbprint]]);
    world.steady += 3_600_000;
    expect(keyring.health()).toMatchObject({ kid: null, kids: [], status: 503, revision: 1 });
  });

  it('is read although a later jwtrot added members', async () => {
    await put(a);
    const manifest = await commit(() => keys([a, ACTIVE]));
    const path = world.path('store/api/manifest/0000000001.json');
    const { readFileSync } = await import('node:fs');
    const json = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...json, schema: 2, holds: [] }));
    expect((await openStore()).health()).toMatchObject({ kid: a.thumbprint, revision: manifest.revision });
    writeFileSync(path, JSON.stringify({ ...json, reads: 2 }));
    expect(code((await openStore()).health().error)).toBe('store-failed');
  });

  it('is seen on SIGHUP, and by an unknown kid', async () => {
    await put(a);
    await put(b);
    await commit(() => keys([a, ACTIVE]));
    const keyring = await openStore({ reloadOn: 'SIGHUP' });
    const verifier = await openStore({ role: 'verifier' });
    await commit(() => keys([a, OLD], [b, ACTIVE]));
    for (const hangup of world.hangups) hangup();
    await until(() => keyring.health().kid === b.thumbprint);
    expect(await verifier.verify(await keyring.sign({}, SIGN), ANY)).toBeTruthy();
  });
});

describe('the policy', () => {
  const wrong = (options: Partial<KeyringOptions> = {}) =>
    openStore(options).then(
      () => 'opened',
      (error: Error) => error.message,
    );

  it('tells maxTokenTtl, jwksMaxAge and clockSkew; a longer staleAfter is refused', async () => {
    await put(a);
    await commit(() => keys([a, ACTIVE]));
    configure({ jwksMaxAge: '2h', clockSkew: '5s' });
    const keyring = await openStore();
    expect(await codeOf(keyring.sign({}, { expiresIn: '61m' }))).toBe('ttl-too-long');
    const token = await keyring.sign({}, { expiresIn: '60s' });
    world.wall += 64_000;
    expect(await keyring.verify(token, ANY)).toBeTruthy();
    world.wall += 2_000;
    expect(await codeOf(keyring.verify(token, ANY))).toBe('token-expired');
    expect(await wrong({ staleAfter: '3h' })).toMatch(/staleAfter 3h is longer than the keyset's jwksMaxAge, 2h/);
    world.steady += 7_000_000;
    expect(keyring.health().status).toBe(200);
    world.steady += 200_000;
    expect(keyring.health().status).toBe(503);
  });

  it('lets a signer sign on for ever only where all signers are polled', async () => {
    expect(await wrong({ signStaleAfter: 'off' })).toMatch(
      /signStaleAfter off is longer than the keyset's signerMaxAge, 1d/,
    );
    expect(await wrong({ signStaleAfter: '25h' })).toMatch(/signerMaxAge/);
    configure({}, [
      { name: 'api', role: 'both', reload: { none: true }, health: { url: 'http://127.0.0.1:1/healthz' } },
    ]);
    expect(await wrong({ signStaleAfter: 'off' })).toBe('opened');
  });

  it('of no caching at all is refused to a verifier, which caches', async () => {
    configure({ jwksMaxAge: '0s' });
    expect(await wrong()).toMatch(/jwksMaxAge is 0s/);
    expect(await wrong({ role: 'signer' })).toBe('opened');
  });

  it('of no caching at all lets a signer sign, and show no set that it read before', async () => {
    configure({ jwksMaxAge: '0s' });
    await put(a);
    await commit(() => keys([a, ACTIVE]));
    const signer = await openStore({ role: 'signer' });
    expect(signer.health()).toMatchObject({ kid: a.thumbprint, error: null, status: 200 });
    expect(typeof (await signer.sign({}, SIGN))).toBe('string');
    expect([...world.timers].map(({ at }) => at - world.steady)).toEqual([300_000]);
    expect(() => signer.jwks()).toThrow(expect.objectContaining({ code: 'stale' }));
  });

  it('bounds for how long a signer shows the set, too, and it reads in time for that', async () => {
    configure({ jwksMaxAge: '2m' });
    await put(a);
    await commit(() => keys([a, ACTIVE]));
    expect(await wrong({ role: 'signer', staleAfter: '3m' })).toMatch(/staleAfter 3m is longer than .* jwksMaxAge, 2m/);
    const signer = await openStore({ role: 'signer' });
    expect([...world.timers].map(({ at }) => at - world.steady)).toEqual([108_000]);
    writeFileSync(world.path('store/api/manifest/0000000002.json'), 'damaged');
    await signer.reload();
    world.steady += 119_999;
    expect(signer.jwks().keys).toHaveLength(1);
    world.steady += 1;
    expect(() => signer.jwks()).toThrow(expect.objectContaining({ code: 'stale' }));
    expect(typeof (await signer.sign({}, SIGN))).toBe('string');
  });

  it('must be there, and have the keyset', async () => {
    expect(await wrong({ keyset: 'web' })).toMatch(/keyset web is not in ".*jwtrot\.yaml", which has: api/);
    configure({ maxTokenTtl: 7 });
    expect(await wrong()).toMatch(/maxTokenTtl/);
    expect(await wrong({ from: { config: world.path('none.yaml') } })).toMatch(/does not exist/);
    expect([world.timers.size, world.hangups.size]).toEqual([0, 0]);
  });
});
