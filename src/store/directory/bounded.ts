import { type Duration, SECOND } from '../../keyset/basics/clock.js';
import { storeFailure } from '../../outside/disk-failure.js';
import { Hangs, unlessHanging } from '../../outside/hanging.js';
import type { Store } from '../store.js';

/** Longer than any read takes on a busy disk. */
const READ: Duration = 8 * SECOND;
/** A write waits for the disk itself, and for the writes of others before it. */
const WRITE: Duration = 20 * SECOND;

/** Puts time limits on a store, so that it reports a directory that does not answer (its server may have died). */
export function bounded(store: Store, path: string): Store {
  const within = async <T>(what: string, limit: Duration, state: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await unlessHanging(path, work, limit);
    } catch (error) {
      throw error instanceof Hangs ? storeFailure(error, what, path, state) : error;
    }
  };
  const read = <T>(what: string, work: () => Promise<T>) => within(what, READ, 'nothing was changed', work);
  const write = <T>(what: string, work: () => Promise<T>) =>
    within(what, WRITE, 'it may be done yet: run again to find out', work);
  return {
    ...store,
    listKeysets: () => read('list the keysets', () => store.listKeysets()),
    readManifest: (keyset) => read(`read keyset ${keyset}`, () => store.readManifest(keyset)),
    salvage: (keyset) => read(`read keyset ${keyset}`, () => store.salvage(keyset)),
    commitManifest: (manifest, base) =>
      write(`write revision ${manifest.revision} of keyset ${manifest.name}`, () =>
        store.commitManifest(manifest, base),
      ),
    putKey: (keyset, thumbprint, key) =>
      write(`write a key of keyset ${keyset}`, () => store.putKey(keyset, thumbprint, key)),
    getKey: (keyset, thumbprint) => read(`read a key of keyset ${keyset}`, () => store.getKey(keyset, thumbprint)),
    deleteKey: (keyset, thumbprint, options) =>
      write(`delete a key of keyset ${keyset}`, () => store.deleteKey(keyset, thumbprint, options)),
    isKeyGone: (keyset, thumbprint) =>
      read(`look for a key of keyset ${keyset}`, () => store.isKeyGone(keyset, thumbprint)),
    listKeys: (keyset) => read(`list the keys of keyset ${keyset}`, () => store.listKeys(keyset)),
    holdsKeys: () => read('look for keys', () => store.holdsKeys()),
  };
}
