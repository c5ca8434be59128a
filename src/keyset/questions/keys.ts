import type { ActiveKey, Key, KeyIn } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import { isPublished, type PublishedState } from '../manifest/states.js';

export function activeKey(manifest: Manifest): ActiveKey | null {
  // Searches from the end: keys in use follow the many tombstones.
  return manifest.keys.findLast((key) => key.state === 'active') ?? null;
}

/** The keys in the JWKS, oldest first. No change of state alters the order, so only a new set is a new text. */
export function publishedKeys({ keys }: Manifest): KeyIn<PublishedState>[] {
  return keys.filter(isInJwks).sort((a, b) => a.version - b.version);
}

function isInJwks(key: Key): key is KeyIn<PublishedState> {
  return isPublished(key.state);
}
