import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { firstManifest, jweWrapped, keyOf, newPair, nextManifest } from '../support/manifest.js';
import type { MakeStore, StoreUnderTest } from './store.js';
import { commit } from './store-commits.js';

function damageOf(made: StoreUnderTest): NonNullable<StoreUnderTest['damage']> {
  if (made.damage === undefined) throw new Error('the suite was told that `damage` is there');
  return made.damage;
}

type Spoil = (text: string) => string;

const SPOILED: readonly (readonly [name: string, code: string, spoil: Spoil])[] = [
  ['is not JSON', 'manifest-damaged', (text) => text.slice(0, text.length / 2)],
  ['is JSON of another kind', 'manifest-damaged', () => '["a list"]'],
  ['lacks a member', 'manifest-damaged', (text) => text.replace('"commits"', '"omitted"')],
  ['is of another keyset', 'manifest-damaged', (text) => text.replace('"name":"api"', '"name":"web"')],
  ['has a schema from the future', 'manifest-schema', (text) => text.replace('"schema":1', '"schema":2')],
];

export function damageTests(make: MakeStore): void {
  async function twoRevisions(made: StoreUnderTest): Promise<Manifest> {
    const key = keyOf(await newPair());
    const first = await commit(made.store, firstManifest('api', { keys: [key] }), null);
    return (await commit(made.store, nextManifest(first.manifest), first)).manifest;
  }

  describe('damage', () => {
    it.each(SPOILED)('refuses a manifest that %s, and never answers with the one before', async (_, code, spoil) => {
      const made = await make();
      await twoRevisions(made);
      const damage = damageOf(made);
      const sound = await damage.manifestText('api');
      const spoiled = spoil(sound);
      expect(spoiled).not.toBe(sound);
      await damage.replaceManifest('api', spoiled);
      for (const store of [made.store, await made.another()]) {
        await expect(store.readManifest('api')).rejects.toMatchObject({ name: 'JwtrotError', kind: 'refused', code });
        expect(await store.listKeysets()).toEqual(['api']);
      }
      await damage.replaceManifest('api', sound);
      expect((await made.store.readManifest('api'))?.manifest.revision).toBe(2);
    });

    it('tells what is sound before a damaged manifest, and takes one that is committed after it, once', async () => {
      const made = await make();
      await twoRevisions(made);
      const another = await made.another();
      expect(await made.store.salvage('api')).toBeNull();
      const damage = damageOf(made);
      await damage.replaceManifest('api', (await damage.manifestText('api')).slice(0, 100));
      const [mine, theirs] = [await made.store.salvage('api'), await another.salvage('api')];
      expect(mine?.damage.code).toBe('manifest-damaged');
      // Damaged in its place, or by a version of its own.
      expect([1, 2]).toContain(mine?.base.manifest.revision);
      const jumped = (id: string) =>
        nextManifest(mine!.base.manifest, { revision: 1_000_002, commits: [{ id, at: 1 }] });
      const won = await made.store.commitManifest(jumped('mine'), mine!.base);
      expect(won?.manifest.commits.at(-1)?.id).toBe('mine');
      expect(await another.commitManifest(jumped('theirs'), theirs!.base)).toBeNull();
      const read = await another.readManifest('api');
      expect(read?.manifest.commits.at(-1)?.id).toBe('mine');
      expect(await another.salvage('api')).toBeNull();
      const next = await another.commitManifest(nextManifest(read!.manifest), read);
      expect((await made.store.readManifest('api'))?.manifest).toEqual(next?.manifest);
    });

    it('salvages nothing but the right to begin anew where no manifest is sound', async () => {
      const made = await make();
      await commit(made.store, firstManifest('api'), null);
      for (const text of ['garbage', '{}']) await damageOf(made).replaceManifest('api', text);
      const salvaged = await made.store.salvage('api');
      expect(salvaged?.base.manifest).toMatchObject({ revision: 0, keys: [] });
      const begun = firstManifest('api', { revision: 1_000_001 });
      expect((await made.store.commitManifest(begun, salvaged!.base))?.manifest.revision).toBe(1_000_001);
      expect((await made.store.readManifest('api'))?.manifest).toEqual(begun);
    });

    it('refuses a manifest with a public key that its thumbprint does not name', async () => {
      const made = await make();
      const [mine, forged] = [await newPair(), await newPair()];
      await commit(made.store, firstManifest('api', { keys: [keyOf(mine)] }), null);
      const damage = damageOf(made);
      const text = await damage.manifestText('api');
      const swapped = { ...JSON.parse(text), keys: [{ ...JSON.parse(text).keys[0], publicJwk: forged.publicJwk }] };
      await damage.replaceManifest('api', JSON.stringify(swapped));
      const answer = made.store.readManifest('api');
      await expect(answer).rejects.toMatchObject({ kind: 'refused', code: 'manifest-damaged' });
    });

    it('refuses another key under this thumbprint', async () => {
      const made = await make();
      const [one, two] = [await newPair(), await newPair()];
      await made.store.putKey('api', one.thumbprint, jweWrapped(one));
      await made.store.putKey('api', two.thumbprint, jweWrapped(two));
      const damage = damageOf(made);
      await damage.replaceKey('api', two.thumbprint, await damage.keyText('api', one.thumbprint));
      await expect(made.store.getKey('api', two.thumbprint)).rejects.toMatchObject({ kind: 'refused' });
      expect(await made.store.getKey('api', one.thumbprint)).toEqual(jweWrapped(one));
    });

    it.each(['{', '[]', '{"kid":"a"}', 'null'])('refuses a wrapped key that reads %s', async (text) => {
      const made = await make();
      const pair = await newPair();
      await made.store.putKey('api', pair.thumbprint, jweWrapped(pair));
      await damageOf(made).replaceKey('api', pair.thumbprint, text);
      await expect(made.store.getKey('api', pair.thumbprint)).rejects.toMatchObject({ kind: 'refused' });
    });
  });
}
