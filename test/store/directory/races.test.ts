import { link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeManifest } from '../../../src/keyset/manifest/encoding.js';
import type { Snapshot, Store } from '../../../src/store/store.js';
import { commit, read } from '../../conformance/store-commits.js';
import { firstManifest, nextManifest, withEvent } from '../../support/manifest.js';
import { everythingIn, makeStore } from './made.js';

/** Commits until the keyset's newest revision is `revision`. */
async function advance(store: Store, revision: number): Promise<Snapshot> {
  let newest = (await store.readManifest('api')) ?? (await commit(store, firstManifest('api'), null));
  while (newest.manifest.revision < revision) newest = await commit(store, nextManifest(newest.manifest), newest);
  return newest;
}

const revisions = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `${String(from + index).padStart(10, '0')}.json`);

describe('a writer that links a revision name which pruning has freed (trace 4)', () => {
  it.each([
    ['after revision 1', 1],
    ['before any revision', 0],
  ])('has lost, and leaves nothing: it had read the keyset %s', async (_, at) => {
    const { path, store, client } = await makeStore();
    const base = at === 0 ? null : await advance(store, at);
    let linked = false;
    const paused = client({
      link: async (from, to) => {
        // All it checked before still held; now others commit so much that its revision's name is free again.
        await advance(store, 12);
        await link(from, to);
        linked = true;
      },
    });
    const mine = base === null ? firstManifest('api') : withEvent(base.manifest, 'mine');
    expect(await paused.commitManifest(mine, base)).toBeNull();
    expect(linked).toBe(true);
    const newest = await read(store, 'api');
    expect(newest.manifest.revision).toBe(12);
    expect(newest.manifest.events).toEqual([]);
    expect(await everythingIn(join(path, 'api/manifest'))).toEqual(revisions(5, 12));
  });

  it('does no harm when it is killed before it finds out', async () => {
    const { path, store } = await makeStore();
    const base = await advance(store, 1);
    const newest = await advance(store, 12);
    const folder = join(path, 'api/manifest');
    await writeFile(join(folder, '0000000002.json'), encodeManifest(withEvent(base.manifest, 'mine')));
    expect((await read(store, 'api')).manifest).toEqual(newest.manifest);
    await commit(store, nextManifest(newest.manifest), newest);
    expect(await everythingIn(folder)).toEqual(revisions(6, 13));
  });

  it('has won although others have committed on top of it before it found out', async () => {
    const { store, client } = await makeStore();
    const base = await advance(store, 1);
    const slow = client({
      link: async (from, to) => {
        await link(from, to);
        await advance(store, 20);
      },
    });
    const mine = withEvent(base.manifest, 'mine');
    expect((await slow.commitManifest(mine, base))?.manifest).toEqual(mine);
    expect((await read(store, 'api')).manifest.events.map((event) => event.type)).toEqual(['mine']);
  });
});

describe('a reader', () => {
  it('reads the newest when the one that it found was pruned before it was opened', async () => {
    const { store, client } = await makeStore();
    await advance(store, 1);
    const { open } = await import('node:fs/promises');
    let opened = 0;
    const slow = client({
      open: async (path, flags, mode) => {
        if (++opened === 1) await advance(store, 20);
        return open(path, flags, mode);
      },
    });
    expect((await read(slow, 'api')).manifest.revision).toBe(20);
  });

  it('does not look for ever for a revision that is a link to nothing', async () => {
    const { path, store } = await makeStore();
    await mkdir(join(path, 'api/manifest'), { recursive: true });
    const { symlink } = await import('node:fs/promises');
    await symlink('/nowhere', join(path, 'api/manifest/0000000001.json'));
    await expect(store.readManifest('api')).rejects.toMatchObject({ kind: 'refused', code: 'manifest-damaged' });
  });
});
