import { change, countedFrom, keyOf, longest, move, note, type TokenLife } from './change.js';
import type { Instant } from './clock.js';
import { isBackingOff } from './due.js';
import type { Key, Manifest, RetireReason, Rollout } from './model.js';
import type { KeyState } from './states.js';

/*
 * Out of the JWKS, out of the verifiers, out of the store.
 */

/** Out of the JWKS, never to return. */
export function retired(manifest: Manifest, kid: string, reason: RetireReason, at: Instant): Manifest {
  const before = keyOf(manifest, kid).state;
  const next = move(manifest, kid, 'retired', { retiredAt: at, reason, droppedAt: null });
  return note({ ...next, rollout: rolloutWithout(next.rollout, kid, before) }, at, 'retired', kid, reason);
}

/** A key that nobody signs with leaves at once, even while it is being stored: its put may still be in flight. */
export function withdrawn(
  manifest: Manifest,
  key: Key,
  reason: RetireReason,
  formerLeaseEnd: Instant,
  at: Instant,
): Manifest {
  const gone = retired(manifest, key.kid, reason, at);
  return key.state === 'creating' ? change(gone, key.kid, { deleteAgainAt: formerLeaseEnd }) : gone;
}

/** A rollout of a key that is gone is over, as is a switch to it; one away from it goes on, with nothing to go back to. */
function rolloutWithout(rollout: Rollout | null, kid: string, before: KeyState): Rollout | null {
  if (rollout === null) return null;
  // Also on the way back: there is no key any more that signers could confirm.
  if (rollout.phase === 'switch' && before === 'active') return null;
  if (rollout.direction === 'back') return rollout;
  if (rollout.kid === kid) return null;
  return rollout.former === kid ? { ...rollout, former: null } : rollout;
}

/**
 * A signer reports a key whose clock runs: it starts again, not before the end of the last reload, which moves it off.
 * @param isEarly `at` is known to be too early: the clock can't start, and signers are looked at once more later
 */
export function stillSigning(
  manifest: Manifest,
  kid: string,
  service: string,
  at: Instant,
  policy: TokenLife = { maxTokenTtl: 0, verifyFor: 0 },
  isEarly = false,
): Manifest {
  const life = longest(keyOf(manifest, kid), policy);
  const signedUntil = isEarly ? null : Math.max(countedFrom(manifest, at), manifest.reloadsUntil ?? 0);
  return note(change(manifest, kid, { ...life, signedUntil }), at, 'still-signing', kid, service);
}

/** Every verifier was seen without these keys. */
export function dropped(manifest: Manifest, kids: readonly string[], at: Instant): Manifest {
  let next = manifest;
  for (const kid of kids) next = note(change(next, kid, { droppedAt: at }), at, 'dropped', kid);
  return withoutOldFailures(next, at);
}

/** Outside a rollout, what failed and went well now is forgotten. */
export function withoutOldFailures(manifest: Manifest, at: Instant): Manifest {
  return manifest.rollout === null && !isBackingOff(manifest, at) ? { ...manifest, backoff: null } : manifest;
}

export function deletionOrdered(
  manifest: Manifest,
  kid: string,
  goneAt: Instant,
  again: boolean,
  at: Instant,
): Manifest {
  const changes = again ? { goneAt, deleteAgainAt: null } : { goneAt };
  return note(change(manifest, kid, changes), at, 'deletion-ordered', kid);
}

export function destroyed(manifest: Manifest, kid: string, at: Instant): Manifest {
  return note(move(manifest, kid, 'destroyed', { destroyedAt: at, publicJwk: null }), at, 'destroyed', kid);
}
