import type { Instant } from '../basics/clock.js';
import type { Key, RetireReason } from '../manifest/key.js';
import type { Manifest, Rollout } from '../manifest/model.js';
import { isBackingOff } from '../questions/backoff.js';
import { outOfUseFrom } from '../questions/slow-reload.js';
import { countedFrom, keyBefore, keyIn, longest, type Now, note, type TokenLife, withKey } from './change.js';

/*
 * Takes a key out of the JWKS, the verifiers and the store.
 */

/** Takes the key out of the JWKS for good. */
export function retired(manifest: Manifest, kid: string, reason: RetireReason, at: Instant): Manifest {
  const key = keyBefore(manifest, kid, 'retired');
  const next = withKey(manifest, { ...key, state: 'retired', retiredAt: at, reason });
  return note({ ...next, rollout: rolloutWithout(next.rollout, key) }, { at, type: 'retired', kid, detail: reason });
}

/** Deletes a retired key's secret once more if it was being stored: that put may be in flight. @param key as it was */
export function deletedAgain(gone: Manifest, key: Key, formerLeaseEnd: Instant): Manifest {
  if (key.state !== 'creating') return gone;
  return withKey(gone, { ...keyIn(gone, key.kid, 'retired'), deleteAgainAt: formerLeaseEnd });
}

/**
 * The rollout once this key is gone. A rollout of the key, or a switch to it, is over. A switch away from it goes on,
 * with nothing to go back to.
 */
function rolloutWithout(rollout: Rollout | null, { kid, state: before }: Key): Rollout | null {
  if (rollout === null) return null;
  // Also when going back: signers have no key left to confirm.
  if (rollout.phase === 'switch' && before === 'active') return null;
  if (rollout.direction === 'back') return rollout;
  if (rollout.kid === kid) return null;
  return rollout.former === kid ? { ...rollout, former: null } : rollout;
}

/**
 * A signer reports a key whose clock already runs. The clock starts again, but not before the end of the last reload,
 * which moves the signer off the key.
 * @param isEarly `at` is known to be too early, so the clock can't start; signers are checked again later
 */
export function stillSigning(
  manifest: Manifest,
  { kid, signer }: { readonly kid: string; readonly signer: string },
  { at, policy }: Now<TokenLife>,
  isEarly = false,
): Manifest {
  const key = keyIn(manifest, kid, 'deprecated');
  const signedUntil = isEarly ? null : outOfUseFrom(countedFrom(manifest, at), manifest.reloadsUntil);
  return note(withKey(manifest, { ...key, ...longest(key, policy), signedUntil }), {
    at,
    type: 'still-signing',
    kid,
    detail: signer,
  });
}

/** Every verifier has dropped these keys. */
export function dropped(manifest: Manifest, kids: readonly string[], at: Instant): Manifest {
  let next = manifest;
  for (const kid of kids)
    next = note(withKey(next, { ...keyIn(next, kid, 'retired'), droppedAt: at }), { at, type: 'dropped', kid });
  return withoutOldFailures(next, at);
}

/** Clears a back-off that is over, unless a rollout is under way. */
export function withoutOldFailures(manifest: Manifest, at: Instant): Manifest {
  return manifest.rollout === null && !isBackingOff(manifest, at) ? { ...manifest, backoff: null } : manifest;
}

/** @param isLast no put of the secret could still land when the deletion was ordered, so once is enough */
export function deletionOrdered(
  manifest: Manifest,
  kid: string,
  { goneAt, isLast }: { readonly goneAt: Instant; readonly isLast: boolean },
  at: Instant,
): Manifest {
  const key = keyIn(manifest, kid, 'retired');
  const deleteAgainAt = isLast ? null : key.deleteAgainAt;
  return note(withKey(manifest, { ...key, goneAt, deleteAgainAt }), { at, type: 'deletion-ordered', kid });
}

export function destroyed(manifest: Manifest, kid: string, at: Instant): Manifest {
  const gone = { state: 'destroyed', destroyedAt: at, publicJwk: null } as const;
  return note(withKey(manifest, { ...keyBefore(manifest, kid, 'destroyed'), ...gone }), { at, type: 'destroyed', kid });
}
