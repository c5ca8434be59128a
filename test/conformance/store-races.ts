import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.js';
import { firstManifest, withEvent } from '../support/manifest.js';
import type { MakeStore, StoreUnderTest } from './store.js';
import { commit, read } from './store-commits.js';

const RACERS = 16;

async function racers({ another }: StoreUnderTest): Promise<Store[]> {
  return Promise.all(Array.from({ length: RACERS }, () => another()));
}

/** Adds an event as a run would: read, plan, commit, and again when the race was lost. */
async function land(store: Store, type: string): Promise<void> {
  for (let attempt = 0; attempt < 40 * RACERS; attempt++) {
    const base = await read(store, 'api');
    if (base.manifest.events.some((event) => event.type === type)) return;
    if ((await store.commitManifest(withEvent(base.manifest, type), base)) !== null) return;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
  }
  throw new Error(`${type} never landed`);
}

export function raceTests(make: MakeStore): void {
  describe('races', () => {
    it('lets exactly one of sixteen create a keyset', async () => {
      const made = await make();
      const rivals = await racers(made);
      const manifests = rivals.map(() => firstManifest('api'));
      const results = await Promise.all(
        rivals.map((store, index) => store.commitManifest(manifests[index] ?? firstManifest('api'), null)),
      );
      const winners = results.filter((result) => result !== null);
      expect(winners).toHaveLength(1);
      expect((await read(made.store, 'api')).manifest).toEqual(winners[0]?.manifest);
    });

    it('lets exactly one of sixteen win each revision', async () => {
      const made = await make();
      const rivals = await racers(made);
      await commit(made.store, firstManifest('api'), null);
      for (let revision = 2; revision <= 4; revision++) {
        const bases = await Promise.all(rivals.map((store) => read(store, 'api')));
        const results = await Promise.all(
          rivals.map((store, index) => {
            const base = bases[index] ?? null;
            if (base === null) throw new Error('no base');
            return store.commitManifest(withEvent(base.manifest, `${revision}-${index}`), base);
          }),
        );
        const winners = results.filter((result) => result !== null);
        expect(winners).toHaveLength(1);
        const newest = await read(made.store, 'api');
        expect(newest.manifest).toEqual(winners[0]?.manifest);
        expect(newest.manifest.revision).toBe(revision);
      }
    });

    it('lets one of those that jump ahead and those that do not win', async () => {
      const made = await make();
      const rivals = await racers(made);
      const base = await commit(made.store, firstManifest('api'), null);
      const results = await Promise.all(
        rivals.map((store, index) => {
          const manifest = withEvent(base.manifest, `rival-${index}`);
          const jumps = index % 2 === 0;
          return store.commitManifest(jumps ? { ...manifest, revision: 1_000_000 + index } : manifest, base);
        }),
      );
      const winners = results.filter((result) => result !== null);
      expect(winners).toHaveLength(1);
      expect((await read(made.store, 'api')).manifest).toEqual(winners[0]?.manifest);
    });

    it('loses no update when sixteen writers try until they land', async () => {
      const made = await make();
      const rivals = await racers(made);
      await commit(made.store, firstManifest('api'), null);
      const types = rivals.map((_, index) => `writer-${index}`);
      await Promise.all(rivals.map((store, index) => land(store, types[index] ?? '')));
      const { manifest } = await read(made.store, 'api');
      expect(manifest.events.map((event) => event.type).sort()).toEqual([...types].sort());
      expect(manifest.revision).toBe(1 + RACERS);
      expect(new Set(manifest.commits.map((one) => one.id)).size).toBe(1 + RACERS);
    });
  });
}
