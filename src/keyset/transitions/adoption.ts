import type { Instant } from '../basics/clock.js';
import { JwtrotError } from '../basics/error.js';
import type { CreatingKey, ImportingKey, Key, NewKey } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import { activeKey, publishedKeys } from '../questions/keys.js';
import { addKey, keyOf, note, stage } from './all.js';
import { countedFrom, keyIn, type Now, type TokenLife, withKey } from './change.js';

/*
 * `import`: a key in use before jwtrot. Tokens signed with it exist, so it enters as published and as having signed. No
 * rollout has to prove that verifiers accept it. This is the only way past `pending`.
 */

/**
 * Names the key before its secret is written. It has signed, so only whoever asked for it may give it up.
 * @throws JwtrotError `rollout-under-way`, `kid-used`
 */
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
  return withKey(started, { ...keyIn(started, key.kid, 'creating'), signedFrom: at });
}

/** An unfinished import: tokens of the key exist and its secret may not be stored. */
export function isBeingAdopted(key: Key): key is ImportingKey {
  return key.state === 'creating' && key.signedFrom !== null;
}

/** The manifest names it and nothing more: it was never in a JWKS and nobody holds it. */
export function isUnpublished(key: Key): key is CreatingKey {
  return key.state === 'creating' && !isBeingAdopted(key);
}

/** Its secret is stored, so it becomes the active key again. @param putsUntil as for `stored` */
export function adopted(
  manifest: Manifest,
  kid: string,
  { at, policy }: Now<TokenLife>,
  putsUntil: Instant | null,
): Manifest {
  const key = keyOf(manifest, kid);
  const { maxTokenTtl, verifyFor } = policy;
  if (key.state !== 'creating' || activeKey(manifest) !== null) return manifest;
  const next = withKey(manifest, {
    ...key,
    state: 'active',
    hasPrivate: true,
    activatedAt: at,
    publishedAt: at,
    signedFrom: at,
    deprecatedAt: null,
    reason: null,
    maxTokenTtl,
    verifyFor,
    deleteAgainAt: putsUntil,
  });
  return note({ ...next, rollout: null }, { at, type: 'imported', kid });
}

/**
 * A key that only verifies. Signers may use it until each has confirmed one of jwtrot's keys. If a key is active
 * already, that time is past.
 */
export function adoptedPublic(manifest: Manifest, key: NewKey, { at, policy }: Now<TokenLife>): Manifest {
  const { maxTokenTtl, verifyFor } = policy;
  const signedUntil = activeKey(manifest) === null ? null : countedFrom(manifest, at);
  const added = addKey(manifest, key, at);
  const next = withKey(added, {
    ...keyIn(added, key.kid, 'creating'),
    state: 'deprecated',
    publishedAt: at,
    signedFrom: at,
    deprecatedAt: at,
    signedUntil,
    maxTokenTtl,
    verifyFor,
  });
  // Whoever writes the outlets first, be it a `sync`: verifiers have yet to read it, and nothing else has them do so.
  const { deliver = false, since = at } = manifest.refresh ?? {};
  const served = publishedKeys(manifest).length > 0; // a cache may hold that set
  const owed = { ...next, refresh: { publish: true, deliver, served, since } };
  return note(owed, { at, type: 'imported', kid: key.kid, detail: 'public half' });
}
