import { describe, expect, it } from 'vitest';
import { JwtrotError } from '../../src/keyset/basics/error.js';
import { recorded } from '../../src/keyset/history/record.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { History, type Resolve } from '../../src/rollout/history.js';
import { describeOther } from '../../src/rollout/other-history.js';
import { firstManifest, keyOf, newPair } from '../support/manifest.js';
import { Remembering } from './remembering.js';

const [one, two] = [await newPair(), await newPair()];
const OTHER = { id: 'there', hostname: 'beta' };

/** That revision of the one history; its commits are named c1, c2 … */
function at(revision: number, changes: Partial<Manifest> = {}): Manifest {
  const commits = Array.from({ length: revision }, (_, i) => ({ id: `c${i + 1}`, at: i }));
  const keys = [keyOf(one, { state: 'active', activatedAt: 1, signedFrom: 1 })];
  return firstManifest('api', { lineage: 'a', revision, commits, keys, ...changes });
}

function knowing(revision: number): Remembering {
  const world = new Remembering();
  world.manifest = at(revision);
  world.record = recorded(null, world.manifest);
  return world;
}

const damaged = new JwtrotError('refused', 'record-damaged', 'it is damaged', { hint: 'jwtrot store recover' });

async function reading(world: Remembering, resolve: Resolve = 'refuse') {
  const history = await History.open(world.context, resolve);
  return { history, found: await world.clock.drive(history.read()) };
}

async function failure(world: Remembering): Promise<JwtrotError> {
  const error = await reading(world).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(JwtrotError);
  return error as JwtrotError;
}

describe('a store that shows another history', () => {
  it('is refused at once where its reads never lag, with both revisions and what to do', async () => {
    const world = knowing(9);
    world.manifest = at(7);
    expect(await failure(world)).toMatchObject({
      code: 'other-history',
      kind: 'refused',
      message:
        'the store holds another history of keyset api than this host knows: the store has revision 7, and this host knows revision 9; nothing was changed',
      hint: 'if the store was restored from a backup, or lost: jwtrot store recover --keyset api',
    });
    expect({ reads: world.calls, time: world.clock.now() }).toEqual({ reads: ['read'], time: 0 });
  });

  it('may have answered with an old copy: it is read again for a minute before that counts (trace 24)', async () => {
    const world = knowing(9);
    world.lag = 60_000;
    world.answers = [at(7), at(8)];
    const { found } = await reading(world);
    expect(found?.manifest.revision).toBe(9);
    expect(world.clock.now()).toBeLessThan(5_000);
    expect(world.notes).toEqual(['the store may have answered with an old copy: reading it again for up to 60s']);
    world.manifest = at(7);
    const began = world.clock.now();
    expect((await failure(world)).code).toBe('other-history');
    expect(world.clock.now() - began).toBeGreaterThanOrEqual(60_000);
    expect(world.clock.now() - began).toBeLessThanOrEqual(65_000);
    expect(world.calls.length).toBeLessThan(30);
  });

  it('may be a replica that lags behind for longer: outlets keep what they hold, and it is no failure', async () => {
    const world = knowing(9);
    Object.assign(world, { lag: 60_000, home: 'eu-west-1', manifest: at(7) });
    expect(await failure(world)).toMatchObject({
      kind: 'leased',
      code: 'stale-replica',
      message: expect.stringContaining('outlets keep what they hold'),
      hint: expect.stringContaining('AWS_REGION=eu-west-1'),
    });
    expect(world.clock.now()).toBe(0);
  });

  it('has lost the keyset, or is of another lineage, or of another commit: each is said', async () => {
    const lost = knowing(9);
    lost.manifest = null;
    expect((await failure(lost)).message).toContain(
      'the store has no such keyset any more, and this host knows revision 9',
    );
    const other = knowing(9);
    other.manifest = at(12, { lineage: 'b' });
    expect((await failure(other)).message).toContain(
      'revision 12 of another lineage, and this host knows revision 9 of lineage "a"',
    );
    const forked = knowing(9);
    forked.manifest = at(10, { commits: Array.from({ length: 10 }, (_, i) => ({ id: `x${i}`, at: i })) });
    expect((await failure(forked)).message).toContain(
      'the store has revision 10, and revision 9 in it is another commit',
    );
    const back = knowing(9);
    back.manifest = at(10, { keys: [keyOf(one), keyOf(two, { version: 2, kid: 'alias' })] });
    back.record = { ...back.record!, retired: [{ thumbprint: two.thumbprint, kid: 'key-1' }] };
    expect((await failure(back)).message).toContain(
      'key "alias" is in use in the store\'s revision 10, and was retired on this host while the store could not be told',
    );
    back.record = { ...back.record!, revision: 8, commit: 'c8' };
    back.manifest = at(10, { keys: back.manifest.keys, commits: at(1).commits });
    expect((await failure(back)).message).toContain(
      'key "alias" is in use in the store\'s revision 10, and this host has seen it retired',
    );
  });

  it('was older, where commits of an incident have raised it to what this host knows', () => {
    const world = knowing(9);
    const other = { why: 'lower-revision' } as const;
    const said = (revision: number) => describeOther({ other, record: world.record, manifest: at(revision) });
    expect(said(8)).toBe('the store has revision 8, and this host knows revision 9');
    expect(said(9)).toBe('the store was older than revision 9, which this host knows, and has revision 9 by now');
  });

  it('is accepted where it names the known lineage as a former one (trace 25)', async () => {
    const world = knowing(9);
    world.manifest = at(1, { lineage: 'b', formerLineages: ['a'], revision: 1_000_010 });
    const { history, found } = await reading(world);
    await history.learn(found!.manifest);
    expect(world.record).toMatchObject({ lineage: 'b', revision: 1_000_010 });
  });
});

describe('a key in use whose secret is gone', () => {
  it('shows another history to a host that knows nothing newer', async () => {
    const world = knowing(9);
    world.record = null;
    world.secrets = new Set();
    expect(await failure(world)).toMatchObject({
      code: 'other-history',
      message: expect.stringContaining(
        `key "${one.thumbprint}" is in use in the store's revision 9 and its private key is gone from there, and this host knows nothing of it`,
      ),
    });
    world.record = recorded(null, at(8));
    expect((await failure(world)).message).toContain('this host knows revision 8');
  });

  it('is not looked for where this host knows the newest commit: nothing due costs one read', async () => {
    const world = knowing(9);
    world.secrets = new Set();
    await reading(world);
    expect(world.calls).toEqual(['read']);
  });

  it('may have been retired by another run since the manifest was read', async () => {
    const world = knowing(9);
    world.record = null;
    world.secrets = new Set();
    world.answers = [at(9)];
    world.manifest = at(10, { keys: [keyOf(one, { state: 'retired' })] });
    expect((await reading(world)).found?.manifest.revision).toBe(10);
  });

  it('is there where it is damaged, and need not be where only the public half was imported', async () => {
    const world = knowing(9);
    world.record = null;
    const { context } = world;
    context.store.getKey = async () => {
      throw new JwtrotError('refused', 'key-damaged', 'it is damaged');
    };
    expect(await (await History.open(context, 'refuse')).readOnce()).not.toBeNull();
    world.secrets = new Set();
    world.manifest = at(9, { keys: [keyOf(one, { state: 'deprecated', hasPrivate: false })] });
    expect((await reading(world)).found).not.toBeNull();
  });
});

describe('a record beside an outlet', () => {
  const ahead = { outlet: '/srv/jwks.json', keyset: 'api', lineage: 'a', revision: 10, held: async () => 'now' };

  function forgetful(...records: (typeof ahead)[]): Remembering {
    const world = knowing(9);
    Object.assign(world, { record: null, outletRecords: records });
    return world;
  }

  it('of a later revision shows another history to a host that remembers nothing, before it remembers this one', async () => {
    const world = forgetful(ahead);
    expect(await failure(world)).toMatchObject({
      code: 'other-history',
      message: expect.stringContaining(
        '/srv/jwks.json was written from revision 10, the store has revision 9, and this host knows nothing of it',
      ),
    });
    expect(world.record).toBeNull();
    const other = forgetful({ ...ahead, lineage: 'b', revision: 3 });
    expect((await failure(other)).message).toContain('was written from revision 3 of another lineage');
  });

  it('tells of a keyset that was lost with all that the host remembered, and of no other one', async () => {
    const world = forgetful(ahead);
    world.manifest = null;
    expect(await failure(world)).toMatchObject({
      code: 'other-history',
      message: expect.stringContaining(
        '/srv/jwks.json was written from revision 10, the store has no such keyset any more, and this host knows nothing of it',
      ),
      hint: expect.stringContaining('jwtrot store recover --keyset api'),
    });
    expect((await reading(world, 'go-on')).history.other?.why).toBe('outlet-ahead');
    world.outletRecords = [{ ...ahead, keyset: 'web' }];
    expect((await reading(world)).found).toBeNull();
    // Somebody is to retire a key of it.
    expect((await reading(world, 'go-on')).history.other).toEqual({ why: 'lost' });
  });

  it('shows nothing where it is no later one, of a former lineage or another keyset, or the host remembers', async () => {
    const world = forgetful(
      { ...ahead, revision: 9 },
      { ...ahead, keyset: 'web' },
      { ...ahead, lineage: 'former', revision: 90 },
    );
    world.manifest = at(9, { formerLineages: ['former'] });
    expect((await reading(world)).found).not.toBeNull();
    // Its record alone is somebody else's.
    const remembers = knowing(9);
    remembers.record = { ...remembers.record!, outlets: [{ outlet: ahead.outlet, sha256: 'now' }] };
    remembers.outletRecords = [ahead, { ...ahead, outlet: '/srv/2.json', lineage: 'b' }];
    expect((await reading(remembers)).found).not.toBeNull();
  });

  it('of an outlet that holds what this host has not given shows that it was put back together with the store', async () => {
    const world = knowing(9);
    world.record = { ...world.record!, outlets: [{ outlet: ahead.outlet, sha256: 'then' }] };
    world.outletRecords = [ahead];
    expect((await failure(world)).message).toContain(
      '/srv/jwks.json was written from revision 10, the store has revision 9, and this host knows revision 9',
    );
    const { history } = await reading(world, 'go-on');
    await history.learn(at(30));
    world.manifest = at(30);
    expect((await failure(world)).code).toBe('other-history');
  });

  it('may be of a run that has committed since the manifest was read, or of one that a lagging store does not show yet', async () => {
    const world = forgetful(ahead);
    Object.assign(world, { answers: [at(9)], manifest: at(10) });
    expect((await reading(world)).found?.manifest.revision).toBe(10);
    const lagging = forgetful(ahead);
    Object.assign(lagging, { lag: 60_000, answers: [at(9), at(9), at(9)], manifest: at(10) });
    expect((await reading(lagging)).found?.manifest.revision).toBe(10);
  });

  it('has an incident add nothing to any outlet', async () => {
    const world = forgetful(ahead, { ...ahead, revision: 8 });
    const { history, found } = await reading(world, 'go-on');
    expect(history.other?.why).toBe('outlet-ahead');
    await history.learnRead(found!.manifest);
    // Else the incident's own commits would raise the manifest past the outlet's record.
    const keys = [keyOf(one, { state: 'retired' })];
    const retirement = { kid: one.thumbprint, reason: 'compromised', requestedAt: 0, deadlineAt: 0 } as const;
    const retirements = [{ ...retirement, noReplacement: false, purge: false, checkAgainAt: null }];
    await history.learn(at(30, { keys, retirements }));
    expect(world.record).toMatchObject({ lineage: 'a', revision: 10, retired: [{ kid: one.thumbprint }] });
    world.manifest = at(30);
    expect((await failure(world)).code).toBe('other-history');
  });
});

describe('an incident', () => {
  it('goes on in another history, waits for nothing and looks for no secret', async () => {
    const world = knowing(9);
    Object.assign(world, { lag: 60_000, secrets: new Set(), manifest: at(7) });
    const { history, found } = await reading(world, 'go-on');
    expect(found?.manifest.revision).toBe(7);
    expect(history.other).toEqual({ why: 'lower-revision' });
    expect({ calls: world.calls, time: world.clock.now() }).toEqual({ calls: ['read'], time: 0 });
  });

  it('remembers of another history only what it has retired there: it stays another one', async () => {
    const world = knowing(9);
    const before = world.record!;
    world.manifest = at(7);
    const { history } = await reading(world, 'go-on');
    const retirement = { kid: one.thumbprint, reason: 'compromised', requestedAt: 0, deadlineAt: 0 } as const;
    const keys = [keyOf(one, { state: 'retired' }), keyOf(two, { version: 2, state: 'destroyed' })];
    const retirements = [{ ...retirement, noReplacement: false, purge: false, checkAgainAt: null }];
    await history.learn(at(8, { keys, retirements }));
    expect(world.record).toEqual({
      ...before,
      retired: [{ thumbprint: one.thumbprint, kid: one.thumbprint, isLeaving: true }],
    });
    expect((await failure(world)).code).toBe('other-history');
  });

  it('is not held up by a damaged record, which ends everything else', async () => {
    const world = knowing(9);
    world.failure = damaged;
    expect((await failure(world)).code).toBe('record-damaged');
    const { history } = await reading(world, 'go-on');
    await history.learn(at(10));
    await history.learn(at(11));
    expect(history.memory.troubles).toEqual([damaged]);
  });

  it('is not held up by whatever else keeps the record from being read or written', async () => {
    const world = knowing(9);
    world.failure = new TypeError('out of the blue');
    await expect(reading(world)).rejects.toBe(world.failure);
    const { history } = await reading(world, 'go-on');
    await history.learn(at(10));
    expect(history.memory.troubles.map(({ code }) => code)).toEqual(['record-failed']);
  });

  it('is not ended by a record that can not be written, under whatever verb it goes on', async () => {
    const world = knowing(9);
    const { history } = await reading(world);
    const full = new JwtrotError('store', 'store-full', 'the disk is full');
    world.failure = full;
    await expect(history.learn(at(10))).rejects.toBe(full);
    const retirement = { kid: one.thumbprint, reason: 'compromised', requestedAt: 0, deadlineAt: 0 } as const;
    const open = [{ ...retirement, noReplacement: false, purge: false, checkAgainAt: null }];
    await history.learn(at(10, { retirements: open }));
    await history.learn(at(11, { retirements: open }));
    expect(history.memory.troubles).toEqual([full]);
  });
});

describe('what was read', () => {
  it('is remembered by a host that knew nothing, and written once', async () => {
    const world = knowing(9);
    world.record = null;
    const { history, found } = await reading(world);
    await history.learnRead(found!.manifest);
    await history.learnRead(found!.manifest);
    expect(world.record).toMatchObject({ lineage: 'a', revision: 9, commit: 'c9' });
    expect(world.calls.filter((call) => call === 'record')).toHaveLength(1);
  });

  it("of another host's keyset is not: a take-over is asked about (trace 26)", async () => {
    const world = knowing(9);
    Object.assign(world, { record: null, bound: true, manifest: at(9, { host: OTHER }) });
    const { history, found } = await reading(world);
    await history.learnRead(found!.manifest);
    expect(world.record).toBeNull();
    // One that knew it before goes on knowing it.
    const former = knowing(8);
    Object.assign(former, { bound: true, manifest: at(9, { host: OTHER }) });
    const again = await reading(former);
    await again.history.learnRead(again.found!.manifest);
    expect(former.record?.revision).toBe(9);
  });
});

describe('another commit of a revision that this run has written', () => {
  /** Another run has read what the store has lost since, and remembered it. */
  async function overtaken(resolve: Resolve) {
    const world = knowing(5);
    const { history } = await reading(world, resolve);
    const lost = at(6, { commits: [...at(5).commits, { id: 'lost', at: 6 }] });
    world.record = recorded(world.record, lost);
    const learned = await history.learn(at(6)).then(
      () => null,
      (error: unknown) => error,
    );
    return { world, history, learned };
  }

  it('ends the run before its effects, and is remembered no less', async () => {
    const { world, history, learned } = await overtaken('refuse');
    expect(learned).toMatchObject({ kind: 'refused', code: 'other-history' });
    expect(history.isRefused).toBe(true);
    expect(world.record).toMatchObject({ revision: 6, commit: 'lost' });
  });

  it('has a retire go on as in another history', async () => {
    const { world, history, learned } = await overtaken('go-on');
    expect(learned).toBeNull();
    expect(history.other).toEqual({ why: 'commit' });
    expect(history.isRefused).toBe(false);
    expect(world.record).toMatchObject({ revision: 6, commit: 'lost' });
  });
});

describe('a manifest that names a pair otherwise than this host has published it', () => {
  /** An outlet holds what this host gave it: that pair, by its own name. */
  function renaming(changes: Partial<Manifest> = {}): Remembering {
    const world = knowing(9);
    world.manifest = at(9, { keys: [keyOf(one, { state: 'deprecated', kid: 'renamed' })], ...changes });
    world.record = { ...world.record!, outlets: [{ outlet: '/srv/jwks.json', sha256: 'abc' }] };
    world.outletKeys = [
      { outlet: '/srv/jwks.json', kind: 'publish', sha256: 'abc', kid: one.thumbprint, thumbprint: one.thumbprint },
    ];
    return world;
  }
  const open = { reason: 'compromised', requestedAt: 1, deadlineAt: 1, noReplacement: false, purge: false } as const;
  const incident = { retirements: [{ kid: 'renamed', checkAgainAt: null, ...open }] };

  it('is another history, of which a retire goes by nothing and commits nothing to', async () => {
    const { history, found } = await reading(renaming(), 'go-on');
    expect({ found, isStoreless: history.isStoreless }).toEqual({ found: null, isStoreless: true });
    expect(history.other).toMatchObject({ why: 'renamed', kid: one.thumbprint, storedAs: 'renamed' });
  });

  it('ends every other run while an incident is open there: else such a key is refused anyway', async () => {
    const error = await failure(renaming(incident));
    expect({ code: error.code, exit: error.exit }).toEqual({ code: 'other-history', exit: 5 });
    expect(error.message).toContain(
      `/srv/jwks.json holds key "${one.thumbprint}" (thumbprint ${one.thumbprint}), and the store has that key under the kid "renamed"`,
    );
    expect((await reading(renaming())).found?.manifest.revision).toBe(9);
  });

  it('is none where somebody else has written the outlet, or the pair goes by its name', async () => {
    const planted = renaming(incident);
    planted.outletKeys = planted.outletKeys.map((key) => ({ ...key, sha256: 'abd' }));
    const honest = renaming({ keys: [keyOf(one, { state: 'deprecated' })] });
    for (const world of [planted, honest]) {
      const { history, found } = await reading(world, 'go-on');
      expect({ revision: found?.manifest.revision, other: history.other }).toEqual({ revision: 9, other: null });
    }
  });
});
