import { countedFrom } from './change.js';
import type { Instant } from './clock.js';
import { JwtrotError } from './error.js';
import { isBeingRetired } from './incident.js';
import type { Key, Manifest } from './model.js';
import type { Policy } from './policy.js';
import { activeKey } from './projection.js';
import { wasGivenUp } from './states.js';
import { addKey, keyOf, type NewKey, note, stage } from './transitions.js';

/*
 * `import`: a key that was in use before jwtrot. Somebody's tokens were signed with it, so it enters as published and as
 * having signed; no rollout has to show that verifiers accept it. This is the one way past `pending`.
 */

type TokenLife = Pick<Policy, 'maxTokenTtl' | 'verifyFor'>;

/** A former attempt that was given up before anybody saw the key makes room. */
function withRoom(manifest: Manifest, key: NewKey): Manifest {
  const givenUp = (one: Key) =>
    one.thumbprint === key.thumbprint && wasGivenUp(one) && !isBeingRetired(manifest, one.kid);
  return { ...manifest, keys: manifest.keys.filter((one) => !givenUp(one)) };
}

/** Names the key before its secret is written; killed after that, the next run goes on as with a key of its own. */
export function adoptionStarted(manifest: Manifest, key: NewKey, at: Instant): Manifest {
  if (manifest.rollout !== null) {
    throw new JwtrotError(
      'refused',
      'rollout-under-way',
      `keyset ${manifest.name} has a rollout of ${manifest.rollout.kid} under way; nothing was changed`,
      { hint: 'let it finish first: jwtrot rotate' },
    );
  }
  return stage(withRoom(manifest, key), key, { forced: false, immediate: false, former: null }, at);
}

/** Its secret is stored: it is the active key, as it was before. */
export function adopted(manifest: Manifest, kid: string, { maxTokenTtl, verifyFor }: TokenLife, at: Instant): Manifest {
  if (keyOf(manifest, kid).state !== 'creating' || activeKey(manifest) !== null) return manifest;
  const inUse: Partial<Key> = {
    state: 'active',
    activatedAt: at,
    publishedAt: at,
    signedFrom: at,
    maxTokenTtl,
    verifyFor,
  };
  const keys = manifest.keys.map((one) => (one.kid === kid ? { ...one, ...inUse } : one));
  return note({ ...manifest, keys, rollout: null }, at, 'imported', kid);
}

/** A key that only verifies. Signers may use it until each has confirmed a key of ours; with one active, it is past. */
export function adoptedPublic(
  manifest: Manifest,
  key: NewKey,
  { maxTokenTtl, verifyFor }: TokenLife,
  at: Instant,
): Manifest {
  const signedUntil = activeKey(manifest) === null ? null : countedFrom(manifest, at);
  const past: Partial<Key> = {
    state: 'deprecated',
    publishedAt: at,
    signedFrom: at,
    deprecatedAt: at,
    signedUntil,
    maxTokenTtl,
    verifyFor,
  };
  const added = addKey(withRoom(manifest, key), key, at);
  const keys = added.keys.map((one) => (one.kid === key.kid ? { ...one, ...past } : one));
  return note({ ...added, keys }, at, 'imported', key.kid, 'public half');
}
