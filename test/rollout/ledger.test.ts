import { describe, expect, it } from 'vitest';
import { JwtrotError } from '../../src/keyset/basics/error.js';
import { recorded } from '../../src/keyset/history/record.js';
import { manifestDamaged } from '../../src/keyset/manifest/encoding.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { retiringGone } from '../../src/keyset/planning/elsewhere.js';
import { type Now, note } from '../../src/keyset/transitions/all.js';
import { Ledger } from '../../src/rollout/ledger.js';
import { PlanAgain } from '../../src/rollout/ledger-options.js';
import { Patience, patientStore } from '../../src/rollout/patience.js';
import { firstManifest, keyOf, newPair } from '../support/manifest.js';
import { Remembering } from './remembering.js';

const pair = await newPair();
const COMMITS = [{ id: 'c1', at: 0 }];

interface How {
  /** It is a `retire`, with so much time left. */
  readonly deadline?: number;
  readonly touchesNothing?: boolean;
}

const asked = {
  kid: pair.thumbprint,
  reason: 'compromised',
  requestedAt: 0,
  deadlineAt: 0,
  noReplacement: false,
  purge: false,
  checkAgainAt: null,
} as const;

function open(world: Remembering, { deadline, ...how }: How = {}): Promise<Ledger> {
  const patience = deadline === undefined ? null : new Patience(world.clock, world.clock.monotonic() + deadline);
  const { context } = world;
  const store = patience === null ? context.store : patientStore(context, patience);
  const options = { limit: 600_000, patience, ...how };
  return world.clock.drive(Ledger.open({ ...context, store }, options));
}

function known(): Remembering {
  const world = new Remembering();
  world.manifest = firstManifest('api', { lineage: 'a', commits: COMMITS });
  world.record = recorded(null, world.manifest);
  return world;
}

const adding =
  (type: string) =>
  (manifest: Parameters<typeof note>[0], { at }: Now) =>
    note(manifest, { at, type });

describe('what a host remembers of its commits', () => {
  it('is written after each of them, and before the run goes on', async () => {
    const world = known();
    const ledger = await open(world);
    await ledger.commit(adding('one'));
    expect(world.record).toMatchObject({ revision: 2, commit: world.manifest?.commits.at(-1)?.id });
    expect(world.calls).toEqual(['read', 'commit', 'record']);
    await ledger.release();
    expect(world.record?.revision).toBe(3);
  });

  it('includes one that was thought to be lost', async () => {
    const world = known();
    const ledger = await open(world);
    world.replies = ['thought lost'];
    await expect(world.clock.drive(ledger.commit(adding('one')))).rejects.toBeInstanceOf(PlanAgain);
    expect(world.record).toMatchObject({ revision: 2, commit: world.manifest?.commits.at(-1)?.id });
  });

  it('includes one whose reply was lost, with the next run', async () => {
    const world = known();
    const ledger = await open(world);
    world.replies = ['unknown'];
    await expect(ledger.commit(adding('one'))).rejects.toThrow('no reply');
    expect(world.record?.revision).toBe(1);
    await open(world);
    expect(world.record?.revision).toBe(2);
  });

  it('is left alone by a run that touches nothing', async () => {
    const world = known();
    world.record = null;
    await open(world, { touchesNothing: true });
    expect(world.calls).not.toContain('record');
  });

  it('begins with the first commit of a manifest of jwtrot 0.1.0, which gets its lineage then', async () => {
    const world = new Remembering();
    world.manifest = firstManifest('api', { lineage: null, commits: COMMITS });
    const ledger = await open(world);
    expect(world.record).toBeNull();
    await ledger.commit(adding('one'));
    expect(world.manifest?.lineage).toMatch(/^id\d+$/);
    expect(world.record).toMatchObject({ lineage: world.manifest?.lineage, revision: 2 });
    await ledger.commit(adding('two'));
    expect(world.manifest?.lineage).toBe(world.record?.lineage);
  });
});

describe('a store that keeps answering with an old copy', () => {
  it('ends a run that can commit nothing: it plans again no more than some times', async () => {
    const world = known();
    const old = world.manifest;
    world.record = null;
    world.manifest = firstManifest('api', { lineage: 'a', revision: 2, commits: [...COMMITS, { id: 'c2', at: 1 }] });
    world.answers = Array.from({ length: 100 }, () => old);
    const ledger = await open(world);
    const lose = () => world.clock.drive(ledger.commit(adding('one'))).catch((error: unknown) => error);
    let ended = await lose();
    for (let planned = 0; ended instanceof PlanAgain; planned += 1, ended = await lose())
      expect(planned).toBeLessThan(10);
    expect(ended).toMatchObject({ kind: 'store', code: 'commit-contended' });
  });
});

describe('a store that is restored while a run is under way', () => {
  it('is refused before the first commit', async () => {
    const world = known();
    const ledger = await open(world);
    await ledger.commit(adding('one'));
    await ledger.release();
    const restored = firstManifest('api', { lineage: 'a', commits: COMMITS });
    const second = await open(world);
    world.manifest = restored;
    await expect(world.clock.drive(second.commit(adding('two')))).rejects.toMatchObject({ code: 'other-history' });
    expect(world.manifest).toBe(restored);
  });

  it('gets no further commit by a run that finds it out after its first, not even its lease back', async () => {
    const world = known();
    const ledger = await open(world);
    world.record = { ...world.record!, revision: 2, commit: 'of the lost history' };
    await expect(ledger.commit(adding('one'))).rejects.toMatchObject({ code: 'other-history' });
    await ledger.release();
    expect(world.manifest).toMatchObject({ revision: 2, lease: { verb: 'rotate' } });
  });

  it('is refused by a run that reads again what others have written', async () => {
    const world = known();
    const ledger = await open(world);
    world.manifest = null;
    await expect(ledger.catchUp()).rejects.toMatchObject({ code: 'other-history' });
  });
});

describe('a key that this host has seen retired', () => {
  it('is committed under no kid, by no update', async () => {
    const world = known();
    world.record = { ...world.record!, retired: [{ thumbprint: pair.thumbprint, kid: 'key-1' }] };
    const ledger = await open(world);
    const adds = ledger.commit((manifest) => ({ ...manifest, keys: [keyOf(pair, { kid: 'key-2' })] }));
    await expect(adds).rejects.toMatchObject({
      code: 'retired-key',
      kind: 'refused',
      message: expect.stringContaining('"key-2"'),
    });
    expect(world.calls).not.toContain('commit');
    await ledger.commit((manifest) => ({
      ...manifest,
      keys: [keyOf(pair, { kid: 'key-1', state: 'destroyed', destroyedAt: 1 })],
    }));
    expect(world.manifest?.revision).toBe(2);
  });
});

describe('a store that is damaged', () => {
  const damage = manifestDamaged('api', '/store/7.json', 'it is not JSON');
  const active = () => keyOf(pair, { state: 'active', activatedAt: 1, signedFrom: 1 });
  const recording = (m: Manifest): Manifest => ({ ...m, retirements: [asked] });

  it('ends every run but an incident, which goes on from what is sound and commits nothing', async () => {
    const world = known();
    world.storeFailure = damage;
    world.salvaged = firstManifest('api', { lineage: 'a', commits: COMMITS, keys: [active()] });
    await expect(open(world)).rejects.toBe(damage);
    const ledger = await open(world, { deadline: 0 });
    expect(ledger.history.other).toEqual({
      why: 'damaged',
      code: 'store-damaged',
      what: 'the manifest of keyset api in /store/7.json is damaged: it is not JSON',
      hint: null,
    });
    await ledger.commit((m, { at }) => retiringGone(recording(m), at));
    expect(ledger.known.keys.map(({ state }) => state)).toEqual(['retired']);
    await ledger.release();
    expect(world.calls).not.toContain('commit');
    expect(world.record?.retired).toEqual([{ thumbprint: pair.thumbprint, kid: pair.thumbprint, isLeaving: true }]);
  });

  it('in the midst of an incident has it decided anew: what was to be replaced just goes', async () => {
    const world = known();
    world.manifest = firstManifest('api', { lineage: 'a', commits: COMMITS, keys: [active()] });
    world.record = recorded(null, world.manifest);
    const ledger = await open(world, { deadline: 0 });
    await ledger.commit(recording);
    world.storeFailure = damage;
    await expect(ledger.readNewest()).rejects.toBeInstanceOf(PlanAgain);
    expect(ledger.known.keys.map(({ state }) => state)).toEqual(['retired']);
    // The next commit may be the one that closes the request.
    await ledger.commit((m) => ({ ...m, retirements: [] }));
    await ledger.release();
    expect(world.manifest?.revision).toBe(2);
    expect(world.record?.retired).toMatchObject([{ kid: pair.thumbprint }]);
  });

  it('by what can not be read for another reason says what helps there', async () => {
    const world = known();
    world.storeFailure = new JwtrotError('store', 'secret-deleted', 'it is deleted; nothing was changed', {
      hint: 'restore',
    });
    const ledger = await open(world, { deadline: 0 });
    expect(ledger.history.other).toMatchObject({ code: 'store-damaged', what: 'it is deleted', hint: 'restore' });
  });
});

describe('a store that fails', () => {
  const full = new JwtrotError('store', 'store-full', 'the disk is full; revision 1 still holds', { hint: 'df' });
  const unsafe = new JwtrotError('refused', 'store-unsafe', 'others may write it; nothing was changed');

  it.each([
    ['fails', full, 'the disk is full; revision 1 still holds', 'df'],
    ['may be written by others', unsafe, 'others may write it', ''],
  ])('at reading keeps an incident from nothing, and ends all else: it %s', async (_, failure, what, hint) => {
    const world = known();
    world.storeFailure = failure;
    await expect(open(world)).rejects.toBe(failure);
    const ledger = await open(world, { deadline: 0 });
    expect(ledger.history.other).toEqual({ why: 'damaged', code: 'store-failed', what, hint });
    await ledger.commit(adding('one'));
    await ledger.release();
    expect(world.calls).not.toContain('commit');
    expect(world.record?.revision).toBe(1);
  });

  it('at the commit has it decided anew, in memory alone', async () => {
    const world = known();
    const ledger = await open(world, { deadline: 0 });
    world.storeFailure = full;
    await expect(ledger.commit(adding('one'))).rejects.toBeInstanceOf(PlanAgain);
    await ledger.commit(adding('one'));
    expect(ledger.known.events.at(-1)).toMatchObject({ type: 'one' });
    expect(world.calls.filter((call) => call === 'commit')).toEqual(['commit']);
  });

  const throttled = new JwtrotError('store', 'aws-throttled', 'not now; nothing was changed', { hint: 'wait' });

  it('and may work again in a moment ends every other run at once', async () => {
    const world = known();
    world.storeFailure = throttled;
    await expect(open(world)).rejects.toBe(throttled);
    expect(world.clock.now()).toBe(0);
  });

  it('and works again in time is waited for: nothing has happened', async () => {
    const world = known();
    world.storeFailure = throttled;
    const opened = open(world, { deadline: 60_000 });
    void world.clock.sleep(20_000).then(() => {
      world.storeFailure = null;
    });
    const ledger = await opened;
    expect(ledger.history.other).toBeNull();
    expect(world.clock.now()).toBeGreaterThanOrEqual(20_000);
    expect(world.clock.now()).toBeLessThan(24_000);
    expect(world.notes).toEqual(['not now; it is tried again until the deadline', 'the store answers again']);
    await ledger.commit(adding('one'));
    expect(world.manifest?.revision).toBe(2);
  });

  it.each([
    ['a deadline', 60_000, 55_000, 60_000],
    ['no time left', 0, 250, 1_000],
  ])('and does not work again is done without after %s', async (_, deadline, least, most) => {
    const world = known();
    world.storeFailure = throttled;
    const ledger = await open(world, { deadline });
    expect(world.clock.now()).toBeGreaterThanOrEqual(least);
    expect(world.clock.now()).toBeLessThanOrEqual(most);
    expect(ledger.history.other).toMatchObject({ code: 'store-failed', what: 'not now', isTransient: true });
  });

  it('and does not answer at all is cut', async () => {
    const world = known();
    world.isSilent = true;
    const ledger = await open(world, { deadline: 10_000 });
    expect(world.clock.now()).toBe(10_000);
    expect(ledger.history.other).toMatchObject({ what: 'no answer from the store in time' });
  });

  it('or keeps answering with an old copy, or loses every commit, is tried until the deadline, then done without', async () => {
    const world = known();
    const ledger = await open(world, { deadline: 60_000 });
    await ledger.commit(adding('one'));
    world.answers = Array.from({ length: 1_000 }, () => firstManifest('api', { lineage: 'a', commits: COMMITS }));
    await expect(world.clock.drive(ledger.readNewest())).rejects.toBeInstanceOf(PlanAgain);
    expect(world.clock.now()).toBeGreaterThanOrEqual(60_000);
    expect(ledger.history.isStoreless).toBe(true);
  });

  it('when its lease is given back takes nothing from what was done', async () => {
    const world = known();
    const ledger = await open(world, { deadline: 0 });
    await ledger.commit(adding('one'));
    world.storeFailure = throttled;
    await world.clock.drive(ledger.release());
    expect(ledger.history.other).toBeNull();
  });
});

describe('a retirement that the store was not told of', () => {
  const active = () => keyOf(pair, { state: 'active', activatedAt: 1, signedFrom: 1 });

  it('ends every other run, and a retire with another history only until it is told', async () => {
    const world = known();
    world.manifest = firstManifest('api', { lineage: 'a', commits: COMMITS, keys: [active()] });
    const retired = [{ thumbprint: pair.thumbprint, kid: pair.thumbprint }];
    world.record = { ...recorded(null, world.manifest)!, retired };
    await expect(open(world)).rejects.toMatchObject({
      code: 'other-history',
      hint: `tell it: jwtrot retire --kid ${pair.thumbprint}`,
    });
    const ledger = await open(world, { deadline: 0 });
    expect(ledger.history.other).toEqual({
      why: 'retired-key',
      kid: pair.thumbprint,
      knownAs: pair.thumbprint,
      isUntold: true,
    });
    await ledger.commit((m, { at }) => retiringGone({ ...m, retirements: [asked] }, at));
    expect(ledger.history.other).toBeNull();
    expect(world.manifest?.keys.map(({ state }) => state)).toEqual(['retired']);
    expect(world.record).toMatchObject({ revision: 2, retired });
  });
});
