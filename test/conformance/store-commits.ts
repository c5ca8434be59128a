import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import type { Snapshot, Store } from '../../src/store/store.js';
import { firstManifest, keyOf, newPair, nextManifest, withEvent } from '../support/manifest.js';
import type { MakeStore } from './store.js';

/** Commits that must win. */
export async function commit(store: Store, manifest: Manifest, base: Snapshot | null): Promise<Snapshot> {
  const snapshot = await store.commitManifest(manifest, base);
  if (snapshot === null) throw new Error(`revision ${manifest.revision} of ${manifest.name} was lost without a rival`);
  return snapshot;
}

export async function read(store: Store, keyset: string): Promise<Snapshot> {
  const snapshot = await store.readManifest(keyset);
  if (snapshot === null) throw new Error(`keyset ${keyset} is not there`);
  return snapshot;
}

export function commitTests(make: MakeStore): void {
  describe('commits', () => {
    it('knows no keyset at first', async () => {
      const { store } = await make();
      expect(await store.listKeysets()).toEqual([]);
      expect(await store.readManifest('api')).toBeNull();
      expect(await store.holdsKeys()).toBe(false);
      expect(store.description).not.toBe('');
    });

    it('reads back what was created, in another client too', async () => {
      const { store, another } = await make();
      const pair = await newPair();
      const key = keyOf(pair, { state: 'active', activatedAt: 1_000, signedFrom: 1_000 });
      const manifest = firstManifest('api', { keys: [key] });
      const snapshot = await commit(store, manifest, null);
      expect(snapshot.manifest).toEqual(manifest);
      expect(await read(store, 'api')).toEqual(snapshot);
      expect((await read(await another(), 'api')).manifest).toEqual(manifest);
    });

    it('commits on top of a snapshot that was read and of one that a commit returned', async () => {
      const { store } = await make();
      const first = await commit(store, firstManifest('api'), null);
      const second = await commit(store, nextManifest(first.manifest), await read(store, 'api'));
      const third = await commit(store, nextManifest(second.manifest), second);
      expect(await read(store, 'api')).toEqual(third);
      expect(third.manifest.revision).toBe(3);
      expect(new Set([first.version, second.version, third.version]).size).toBe(3);
    });

    it('refuses the creation of a keyset that is there, twice', async () => {
      const { store, another } = await make();
      const first = await commit(store, firstManifest('api'), null);
      expect(await store.commitManifest(firstManifest('api'), null)).toBeNull();
      expect(await (await another()).commitManifest(firstManifest('api'), null)).toBeNull();
      expect(await read(store, 'api')).toEqual(first);
    });

    it('refuses a commit on top of a superseded snapshot, twice', async () => {
      const { store, another } = await make();
      const first = await commit(store, firstManifest('api'), null);
      const second = await commit(await another(), withEvent(first.manifest, 'theirs'), first);
      for (const attempt of ['mine', 'mine again']) {
        expect(await store.commitManifest(withEvent(first.manifest, attempt), first)).toBeNull();
      }
      expect((await read(store, 'api')).manifest).toEqual(second.manifest);
    });

    it('refuses a commit on top of a snapshot that was superseded many times', async () => {
      const { store, another } = await make();
      const first = await commit(store, firstManifest('api'), null);
      const other = await another();
      let newest = first;
      for (let count = 0; count < 15; count++) newest = await commit(other, nextManifest(newest.manifest), newest);
      expect(await store.commitManifest(withEvent(first.manifest, 'late'), first)).toBeNull();
      expect((await read(store, 'api')).manifest).toEqual(newest.manifest);
    });

    it('lets a commit jump ahead, which later ones follow and earlier ones do not undo', async () => {
      const { store, another } = await make();
      const other = await another();
      const first = await commit(store, firstManifest('api'), null);
      const ahead = { ...nextManifest(first.manifest), revision: 1_000_001 };
      const jumped = await commit(store, ahead, first);
      expect((await read(other, 'api')).manifest).toEqual(ahead);
      expect(await other.commitManifest(withEvent(first.manifest, 'late'), first)).toBeNull();
      let newest = await commit(other, nextManifest(jumped.manifest), await read(other, 'api'));
      for (let count = 0; count < 10; count++) newest = await commit(other, nextManifest(newest.manifest), newest);
      expect(newest.manifest.revision).toBe(1_000_012);
      expect(await store.commitManifest(withEvent(first.manifest, 'later'), first)).toBeNull();
      expect((await read(store, 'api')).manifest).toEqual(newest.manifest);
      const created = await commit(store, { ...firstManifest('lost'), revision: 2_000_000 }, null);
      expect(await other.commitManifest(firstManifest('lost'), null)).toBeNull();
      expect((await read(other, 'lost')).manifest).toEqual(created.manifest);
    });

    it('says true of a commit that is offered again after it has won', async () => {
      const { store, another } = await make();
      const first = await commit(store, firstManifest('api'), null);
      const manifest = withEvent(first.manifest, 'once');
      await commit(store, manifest, first);
      const again = await (await another()).commitManifest(manifest, first);
      expect(again?.manifest).toEqual(manifest);
      expect((await read(store, 'api')).manifest.revision).toBe(2);
    });

    it('lists keysets by their exact names', async () => {
      const { store } = await make();
      const names = ['api', 'api-2', 'api.v2', 'a_b', 'x'.repeat(64)];
      for (const name of names) await commit(store, firstManifest(name), null);
      expect((await store.listKeysets()).sort()).toEqual([...names].sort());
      for (const name of names) expect((await read(store, name)).manifest.name).toBe(name);
    });
  });
}
