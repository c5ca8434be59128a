import { manifestFromLater } from '../keyset/manifest/encoding.js';
import type { Store } from './store.js';

/** A store for who only reads. If it commits all the same, a manifest of which it did not read all is left as it is. */
export function readerOf(store: Store): Store {
  const { until } = store;
  return {
    ...store,
    async commitManifest(manifest, base) {
      if (base?.isPartial === true) throw manifestFromLater(manifest.name, store.description);
      return store.commitManifest(manifest, base);
    },
    ...(until === undefined ? {} : { until: (givenUp) => readerOf(until(givenUp)) }),
  };
}
