import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { AwsLimits } from '../../src/outside/aws.js';
import { commit, read } from '../conformance/store-commits.js';
import { firstManifest, jweWrapped, newPair, nextManifest, withEvent } from '../support/manifest.js';
import { type AwsServer, type FaultRule, startAwsServer } from './server.js';
import { newPrefix, openStore } from './target.js';

/** One request may take 300 ms, so that a silent server costs a test about a second. */
const HASTY: Partial<AwsLimits> = { connection: 500, request: 300, attempts: 2, method: 4_000, settle: 1_500 };
const MOVE = 'UpdateSecretVersionStage';

let server: AwsServer;
beforeAll(async () => {
  server = await startAwsServer();
});
afterAll(() => server.close());

function fail(rule: FaultRule): void {
  server.fail(rule);
  onTestFinished(() => server.heal());
}

async function keysetOfOne(limits: Partial<AwsLimits> = HASTY) {
  const prefix = newPrefix();
  const store = openStore(server.endpoint, prefix, limits);
  const rival = openStore(server.endpoint, prefix);
  const first = await commit(store, firstManifest('api'), null);
  return { store, rival, first, name: `${prefix}/api`, mine: withEvent(first.manifest, 'mine') };
}

describe('a commit whose reply is doubtful', () => {
  it.each<FaultRule['mode']>(['lost-reply', 'after', 'mute'])(
    'is won when the move took effect (%s), which the SDK then repeats',
    async (mode) => {
      const { store, first, mine } = await keysetOfOne();
      const before = server.calls(MOVE);
      fail({ operation: MOVE, nth: 1, mode });
      const snapshot = await store.commitManifest(mine, first);
      expect(snapshot?.manifest).toEqual(mine);
      expect(server.calls(MOVE)).toBe(before + 2);
      expect(await read(store, 'api')).toEqual(snapshot);
    },
  );

  it('is won when the reply is lost for good and the read is stale at first', async () => {
    const { store, first, mine } = await keysetOfOne();
    fail({ operation: MOVE, nth: 1, times: 2, mode: 'mute' });
    fail({ operation: 'GetSecretValue', nth: 1, times: 2, mode: 'stale' });
    expect((await store.commitManifest(mine, first))?.manifest).toEqual(mine);
  });

  it('is won after a success, whatever a stale read would show', async () => {
    const { store, first, mine } = await keysetOfOne();
    const before = server.calls('GetSecretValue');
    fail({ operation: 'GetSecretValue', mode: 'stale' });
    const snapshot = await store.commitManifest(mine, first);
    expect(snapshot?.manifest).toEqual(mine);
    expect(server.calls('GetSecretValue')).toBe(before);
  });

  it('is lost when a rival has won, although the own move got no reply', async () => {
    const { store, rival, first, mine } = await keysetOfOne();
    const theirs = await commit(rival, withEvent(first.manifest, 'theirs'), first);
    fail({ operation: MOVE, mode: 'silence' });
    expect(await store.commitManifest(mine, first)).toBeNull();
    server.heal();
    expect(await read(store, 'api')).toEqual(theirs);
  });

  it('is won, although a rival has already built on it', async () => {
    const { store, rival, first, mine } = await keysetOfOne();
    fail({ operation: MOVE, nth: 1, mode: 'mute' });
    const waiting = store.commitManifest(mine, first);
    for (;;) {
      const newest = await read(rival, 'api');
      if (newest.manifest.revision === 2 && (await rival.commitManifest(nextManifest(newest.manifest), newest))) break;
    }
    expect((await waiting)?.manifest).toEqual(mine);
  });

  it('is unknown when nothing answers and nothing shows, and may land later', async () => {
    const { store, first, mine } = await keysetOfOne();
    fail({ operation: MOVE, nth: 1, mode: 'slow', ms: 2_500 });
    fail({ operation: MOVE, nth: 1, mode: 'silence' });
    await expect(store.commitManifest(mine, first)).rejects.toMatchObject({
      kind: 'store',
      code: 'commit-unknown',
      message: expect.stringContaining('it may have been written, and the next run finds out'),
    });
    await expect.poll(async () => (await read(store, 'api')).manifest, { timeout: 5_000 }).toEqual(mine);
    // The next run offers it again, or finds it: both see that it is there.
    expect((await store.commitManifest(mine, first))?.manifest).toEqual(mine);
  });

  it('is unknown when the reads that would decide it fail too', async () => {
    const { store, first, mine } = await keysetOfOne();
    fail({ operation: MOVE, mode: 'mute' });
    fail({ operation: 'GetSecretValue', mode: 'cut' });
    await expect(store.commitManifest(mine, first)).rejects.toMatchObject({ kind: 'store', code: 'commit-unknown' });
    server.heal();
    expect((await read(store, 'api')).manifest).toEqual(mine);
  });

  it('changes nothing when the service said no to every attempt', async () => {
    const { store, first, mine } = await keysetOfOne();
    for (const [mode, code] of [
      ['denied', 'aws-denied'],
      ['throttle', 'aws-throttled'],
    ] as const) {
      fail({ operation: MOVE, mode });
      await expect(store.commitManifest(mine, first)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(/; nothing was changed$/),
      });
      server.heal();
      expect(await read(store, 'api')).toEqual(first);
    }
    expect((await store.commitManifest(mine, first))?.manifest).toEqual(mine);
  });

  it('is unknown when the last no came after an attempt that got no reply', async () => {
    const { store, first, mine } = await keysetOfOne();
    fail({ operation: MOVE, nth: 1, mode: 'silence' });
    fail({ operation: MOVE, nth: 1, mode: 'throttle' });
    await expect(store.commitManifest(mine, first)).rejects.toMatchObject({ code: 'commit-unknown' });
  });

  it('changes nothing when the new version could not be put', async () => {
    const { store, first, mine } = await keysetOfOne();
    const before = server.calls(MOVE);
    fail({ operation: 'PutSecretValue', mode: 'silence' });
    await expect(store.commitManifest(mine, first)).rejects.toMatchObject({
      code: 'aws-unreachable',
      message: expect.stringMatching(/^Secrets Manager PutSecretValue of .*; nothing was changed$/),
    });
    server.heal();
    expect(server.calls(MOVE)).toBe(before);
    expect(await read(store, 'api')).toEqual(first);
  });

  it('creates a keyset once, whatever becomes of the reply', async () => {
    for (const mode of ['lost-reply', 'after', 'mute'] as const) {
      const store = openStore(server.endpoint, newPrefix(), HASTY);
      const manifest = firstManifest('api');
      fail({ operation: 'CreateSecret', nth: 1, times: 2, mode });
      expect((await store.commitManifest(manifest, null))?.manifest).toEqual(manifest);
    }
  });
});

describe('a wrapped key whose reply is doubtful', () => {
  it.each<FaultRule['mode']>(['lost-reply', 'after', 'mute'])('is stored when it took effect: %s', async (mode) => {
    const store = openStore(server.endpoint, newPrefix(), HASTY);
    const pair = await newPair();
    fail({ operation: 'CreateSecret', nth: 1, times: 2, mode });
    expect(await store.putKey('api', pair.thumbprint, jweWrapped(pair))).toEqual({ inDoubt: true });
    expect(await store.getKey('api', pair.thumbprint)).toEqual(jweWrapped(pair));
  });

  it('is in doubt though the SDK repeated it with success, and not where the first attempt was answered', async () => {
    const store = openStore(server.endpoint, newPrefix(), HASTY);
    const [pair, other] = [await newPair(), await newPair()];
    fail({ operation: 'CreateSecret', nth: 1, mode: 'lost-reply' });
    expect(await store.putKey('api', pair.thumbprint, jweWrapped(pair))).toEqual({ inDoubt: true });
    expect(await store.putKey('api', other.thumbprint, jweWrapped(other))).toEqual({ inDoubt: false });
  });

  it('is said to be perhaps there when nothing answers', async () => {
    const store = openStore(server.endpoint, newPrefix(), HASTY);
    const pair = await newPair();
    fail({ operation: '*', mode: 'silence' });
    await expect(store.putKey('api', pair.thumbprint, jweWrapped(pair))).rejects.toMatchObject({
      code: 'aws-unreachable',
      message: expect.stringMatching(/; it may have been created$/),
    });
  });
});

describe('a store whose server is silent', () => {
  it('gives up within its time limit, in every method', async () => {
    const { store, first, mine } = await keysetOfOne({ ...HASTY, attempts: 50, method: 500, settle: 200 });
    const { thumbprint } = await newPair();
    fail({ operation: '*', mode: 'silence' });
    const started = performance.now();
    const calls = [
      store.listKeysets(),
      store.readManifest('api'),
      store.commitManifest(mine, first),
      store.getKey('api', thumbprint),
      store.isKeyGone('api', thumbprint),
      store.deleteKey('api', thumbprint, { recoveryWindowDays: 7, purge: false }),
      store.holdsKeys(),
    ];
    for (const result of await Promise.allSettled(calls)) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { name: 'JwtrotError', kind: 'store', code: 'aws-unreachable' },
      });
    }
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
