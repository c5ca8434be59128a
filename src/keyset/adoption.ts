import { change, countedFrom } from './change.js';
import type { Instant } from './clock.js';
import { JwtrotError } from './error.js';
import type { Key, Manifest } from './model.js';
import type { Policy } from './policy.js';
import { activeKey } from './projection.js';
import { addKey, keyOf, type NewKey, note, stage } from './transitions.js';

/*
 * `import`: a key that was in use before jwtrot. Somebody's tokens were signed with it, so it enters as published and as
 * having signed; no rollout has to show that verifiers accept it. This is the one way past `pending`.
 */

type TokenLife = Pick<Policy, 'maxTokenTtl' | 'verifyFor'>;

/** Names the key before its secret is written. It has signed: nobody may give it up but who asked for it. */
export function adoptionStarted(manifest: Manifest, key: NewKey, at: Instant): Manifest {
  if (manifest.rollout !== null) {
    throw new JwtrotError(
      'refused',
      'rollout-under-way',
      `keyset ${manifest.name} has a rollout of ${manifest.rollout.kid} under way; nothing was changed`,
      { hint: 'let it finish first: jwtrot rotate' },
    );
  }
  const started = stage(manifest, key, { forced: false, immediate: false, former: null }, at);
  return change(started, key.kid, { signedFrom: at });
}

/** An import that did not come to its end: tokens of the key are about, and its secret may not be stored. */
export function isBeingAdopted(key: Key): boolean {
  return key.state === 'creating' && key.signedFrom !== null;
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
  const added = addKey(manifest, key, at);
  const keys = added.keys.map((one) => (one.kid === key.kid ? { ...one, ...past } : one));
  return note({ ...added, keys }, at, 'imported', key.kid, 'public half');
}
