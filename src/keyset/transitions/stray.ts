import type { Instant } from '../basics/clock.js';
import type { Key, LeakedKey, RetireReason } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import { note } from './change.js';
import { nextVersion, unused } from './staging.js';

/**
 * Enters a key that the manifest does not know: somebody put it into an outlet, or it is newer than the backup that the
 * store was restored from. It enters as retired and ends like any other: verifiers drop it and it becomes a tombstone.
 * A key known only by its names enters as a tombstone.
 */
export function enteredRetired(manifest: Manifest, key: LeakedKey, reason: RetireReason, at: Instant): Manifest {
  if (manifest.keys.some((one) => one.kid === key.kid && one.thumbprint === key.thumbprint)) return manifest;
  const version = nextVersion(manifest, key);
  const { publicJwk } = key;
  // A verifier that accepts it read it somewhere, so it counts as published.
  const gone = { publishedAt: at, retiredAt: at, reason } as const;
  const entered: Key =
    publicJwk === null
      ? { ...unused({ ...key, publicJwk }, version, at), ...gone, state: 'destroyed', destroyedAt: at }
      : { ...unused({ ...key, publicJwk }, version, at), ...gone, state: 'retired' };
  return note(
    { ...manifest, keys: [...manifest.keys, entered] },
    { at, type: 'retired', kid: key.kid, detail: 'not known before' },
  );
}
