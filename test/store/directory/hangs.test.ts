import { afterEach, describe, expect, it, vi } from 'vitest';
import { commit } from '../../conformance/store-commits.js';
import { firstManifest, jweWrapped, newPair, nextManifest } from '../../support/manifest.js';
import { makeStore } from './made.js';

const never = () => new Promise<never>(() => {});

afterEach(() => vi.useRealTimers());

describe('a store on a file system whose server is gone', () => {
  it.each([
    ['looked at', { realpath: never }],
    ['read', { readdir: never }],
  ])('says so within seconds where it can no longer be %s, and at once the next time', async (_, files) => {
    const { store, client, path } = await makeStore();
    await commit(store, firstManifest('api'), null);
    const dead = client(files);
    const hangs = {
      kind: 'store',
      code: 'store-hangs',
      message: `cannot read keyset api in ${path}: it does not answer; nothing was changed`,
    };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const first = expect(dead.readManifest('api')).rejects.toMatchObject(hangs);
    await vi.advanceTimersByTimeAsync(9_000);
    await first;
    await expect(dead.readManifest('api')).rejects.toMatchObject(hangs);
  });

  it.each(['commitManifest', 'putKey'] as const)('leaves a write in doubt: %s', async (what) => {
    const { store, client } = await makeStore();
    const first = await commit(store, firstManifest('api'), null);
    const pair = await newPair();
    let isReached = () => {};
    const reached = new Promise<void>((resolve) => (isReached = resolve));
    const dead = client({
      link: () => {
        isReached();
        return never();
      },
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const write =
      what === 'putKey'
        ? dead.putKey('api', pair.thumbprint, jweWrapped(pair))
        : dead.commitManifest(nextManifest(first.manifest), first);
    const message = expect.stringContaining('it does not answer; it may be done yet: run again to find out');
    const doubt = expect(write).rejects.toMatchObject({ code: 'store-hangs', message });
    // What comes before it is real: the clock must not run ahead of that.
    await reached;
    await vi.advanceTimersByTimeAsync(21_000);
    await doubt;
  });
});
