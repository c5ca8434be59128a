import { describe, expect, it } from 'vitest';
import { DAY, MINUTE } from '../../src/keyset/basics/clock.js';
import type { Store } from '../../src/store/store.js';
import { jweWrapped, kmsWrapped, newPair } from '../support/manifest.js';
import type { MakeStore, StoreUnderTest } from './store.js';

const LATER = { recoveryWindowDays: 7, purge: false } as const;
const AT_ONCE = { recoveryWindowDays: 7, purge: true } as const;

/** A deletion at once may take a moment (AWS: it is asynchronous). */
export async function gone(store: Store, keyset: string, thumbprint: string): Promise<boolean> {
  for (let attempt = 0; attempt < 50; attempt++) {
    if (await store.isKeyGone(keyset, thumbprint)) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

function nowOf(made: StoreUnderTest): number {
  return (made.now ?? Date.now)();
}

export function keyTests(make: MakeStore): void {
  describe('wrapped keys', () => {
    it('keeps a key wrapped by either wrapper', async () => {
      const { store, another } = await make();
      const [one, two] = [await newPair(), await newPair()];
      await store.putKey('api', one.thumbprint, jweWrapped(one));
      await store.putKey('api', two.thumbprint, kmsWrapped(two, 'api'));
      const other = await another();
      expect(await other.getKey('api', one.thumbprint)).toEqual(jweWrapped(one));
      expect(await other.getKey('api', two.thumbprint)).toEqual(kmsWrapped(two, 'api'));
      expect(await other.isKeyGone('api', one.thumbprint)).toBe(false);
      expect(await other.holdsKeys()).toBe(true);
    });

    it('keeps a key under its thumbprint whatever its kid is', async () => {
      const { store } = await make();
      const pair = await newPair();
      const imported = { ...jweWrapped(pair), kid: '../../2024 key/ü' };
      await store.putKey('api', pair.thumbprint, imported);
      expect(await store.getKey('api', pair.thumbprint)).toEqual(imported);
    });

    it('lists every key that is there, one whose deletion was ordered as such', async () => {
      const { store } = await make();
      const [kept, leaving, purged, other] = [await newPair(), await newPair(), await newPair(), await newPair()];
      expect(await store.listKeys('api')).toEqual([]);
      for (const pair of [kept, leaving, purged]) await store.putKey('api', pair.thumbprint, jweWrapped(pair));
      await store.putKey('api-2', other.thumbprint, jweWrapped(other));
      await store.deleteKey('api', leaving.thumbprint, LATER);
      await store.deleteKey('api', purged.thumbprint, AT_ONCE);
      expect(await gone(store, 'api', purged.thumbprint)).toBe(true);
      const expected = [
        { thumbprint: kept.thumbprint, isDeleted: false },
        { thumbprint: leaving.thumbprint, isDeleted: true },
      ];
      const byName = (a: { thumbprint: string }, b: { thumbprint: string }) => (a.thumbprint < b.thumbprint ? -1 : 1);
      expect((await store.listKeys('api')).sort(byName)).toEqual(expected.sort(byName));
      expect(await store.listKeys('api-2')).toEqual([{ thumbprint: other.thumbprint, isDeleted: false }]);
    });

    it('keeps keysets apart', async () => {
      const { store } = await make();
      const pair = await newPair();
      await store.putKey('api', pair.thumbprint, jweWrapped(pair));
      expect(await store.getKey('api-2', pair.thumbprint)).toBeNull();
      expect(await store.isKeyGone('api-2', pair.thumbprint)).toBe(true);
    });

    it('does not take keys for keysets', async () => {
      const { store } = await make();
      const pair = await newPair();
      await store.putKey('api', pair.thumbprint, jweWrapped(pair));
      expect(await store.listKeysets()).toEqual([]);
      expect(await store.readManifest('api')).toBeNull();
    });

    it('takes the same bytes again and refuses others', async () => {
      const { store, another } = await make();
      const pair = await newPair();
      await store.putKey('api', pair.thumbprint, jweWrapped(pair));
      await store.putKey('api', pair.thumbprint, jweWrapped(pair));
      const other = await another();
      await other.putKey('api', pair.thumbprint, jweWrapped(pair));
      const refused = other.putKey('api', pair.thumbprint, jweWrapped(pair, 'other'));
      await expect(refused).rejects.toMatchObject({ name: 'JwtrotError', kind: 'refused', code: 'key-exists' });
      expect(await store.getKey('api', pair.thumbprint)).toEqual(jweWrapped(pair));
    });

    it('lets one of several rivals put a key, and tells the others', async () => {
      const { store, another } = await make();
      const pair = await newPair();
      const rivals = await Promise.all([another(), another(), another(), another()]);
      const results = await Promise.allSettled(
        rivals.map((rival, index) => rival.putKey('api', pair.thumbprint, jweWrapped(pair, `rival${index}`))),
      );
      const winner = results.findIndex((result) => result.status === 'fulfilled');
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
      expect(await store.getKey('api', pair.thumbprint)).toEqual(jweWrapped(pair, `rival${winner}`));
    });

    it('knows nothing of a key that was never put', async () => {
      const made = await make();
      const { thumbprint } = await newPair();
      expect(await made.store.getKey('api', thumbprint)).toBeNull();
      expect(await made.store.isKeyGone('api', thumbprint)).toBe(true);
      expect(await made.store.deleteKey('api', thumbprint, LATER)).toBeLessThanOrEqual(nowOf(made));
      expect(await made.store.deleteKey('api', thumbprint, AT_ONCE)).toBeLessThanOrEqual(nowOf(made));
    });

    it('deletes a key after its recovery window, unreadable from the start', async () => {
      const made = await make();
      const { store } = made;
      const pair = await newPair();
      await store.putKey('api', pair.thumbprint, jweWrapped(pair));
      const earliest = nowOf(made) + 7 * DAY - MINUTE;
      const goneAt = await store.deleteKey('api', pair.thumbprint, LATER);
      expect(goneAt).toBeGreaterThan(earliest);
      expect(goneAt).toBeLessThan(earliest + DAY);
      expect(await (await made.another()).getKey('api', pair.thumbprint)).toBeNull();
      expect(await store.isKeyGone('api', pair.thumbprint)).toBe(false);
      const again = await store.deleteKey('api', pair.thumbprint, LATER);
      expect(Math.abs(again - goneAt)).toBeLessThan(MINUTE);
    });

    it('takes no key whose deletion was ordered', async () => {
      const { store, another } = await make();
      const pair = await newPair();
      await store.putKey('api', pair.thumbprint, jweWrapped(pair));
      await store.deleteKey('api', pair.thumbprint, LATER);
      const late = (await another()).putKey('api', pair.thumbprint, jweWrapped(pair));
      await expect(late).rejects.toMatchObject({ name: 'JwtrotError', kind: 'refused', code: 'key-deleted' });
      expect(await store.getKey('api', pair.thumbprint)).toBeNull();
    });

    it('purges a key at once', async () => {
      const made = await make();
      const { store } = made;
      const [pair, kept] = [await newPair(), await newPair()];
      await store.putKey('api', pair.thumbprint, jweWrapped(pair));
      await store.putKey('api', kept.thumbprint, jweWrapped(kept));
      expect(await store.deleteKey('api', pair.thumbprint, AT_ONCE)).toBeLessThanOrEqual(nowOf(made) + MINUTE);
      expect(await store.getKey('api', pair.thumbprint)).toBeNull();
      expect(await gone(store, 'api', pair.thumbprint)).toBe(true);
      expect(await store.getKey('api', kept.thumbprint)).toEqual(jweWrapped(kept));
      await store.deleteKey('api', kept.thumbprint, AT_ONCE);
      expect(await gone(store, 'api', kept.thumbprint)).toBe(true);
      expect(await store.holdsKeys()).toBe(false);
    });

    it('purges a key whose recovery window runs', async () => {
      const { store } = await make();
      const pair = await newPair();
      await store.putKey('api', pair.thumbprint, jweWrapped(pair));
      await store.deleteKey('api', pair.thumbprint, LATER);
      await store.deleteKey('api', pair.thumbprint, AT_ONCE);
      expect(await gone(store, 'api', pair.thumbprint)).toBe(true);
      expect(await store.getKey('api', pair.thumbprint)).toBeNull();
    });
  });
}
