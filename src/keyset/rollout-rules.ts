import { act, type Found, type Known, type Reason } from './action.js';
import { dueNow } from './clock-trust.js';
import { isBackingOff, isRolloutHeld, lookDue, mayActivate, signersDueAt, stageDueAt } from './due.js';
import { activeKeyBeingRetired, isOverdue } from './incident.js';
import type { Key, Rollout } from './model.js';
import { activeKey, publishedKeys } from './projection.js';
import { tooManyKeys } from './refusals.js';
import { failedAt } from './switching.js';

/** A key that a killed run left between intent and effect. */
export function recover({ manifest, blocked }: Known): Found {
  const key = manifest.keys.find((one) => one.state === 'creating' && !blocked.has(`key ${one.kid}`));
  return key === undefined ? null : act('recover', key.kid, 'interrupted');
}

export function expedite(known: Known): Found {
  const { manifest, request, now } = known;
  const { rollout } = manifest;
  if (rollout === null || rollout.direction === 'back' || rollout.phase === 'switch') return null;
  // What was asked is meant for the key that takes its place.
  if (manifest.keys.some((key) => key.kid === rollout.kid && isSuperseded(known, key))) return null;
  const asked = (request.force && !rollout.forced) || (request.immediate && !rollout.immediate);
  const waiting = request.force && isBackingOff(manifest, now);
  return asked || waiting ? act('expedite', rollout.kid, 'forced') : null;
}

/** A rollout under way, from its phase. Back-off holds it, an operator's `--force` or an incident does not wait. */
export function resume(known: Known): Found {
  const { manifest, policy, blocked } = known;
  const { rollout } = manifest;
  if (rollout === null || blocked.has('rollout') || isHeldOff(known, rollout)) return null;
  if (rollout.phase === 'switch') return confirmSwitch(known, rollout);
  if (blocked.has('outlets') || blocked.has('clock')) return null;
  const key = manifest.keys.find((one) => one.kid === rollout.kid);
  if (key === undefined || key.state !== 'pending') return null;
  // With the wrong algorithm it is never going to sign: `supersede` comes first.
  if (isSuperseded(known, key)) return null;
  if (key.confirmedAt === null) return act('confirm-verifiers', key.kid, 'new-key');
  return mayActivate(manifest, key, policy, dueNow(known)) ? act('activate', key.kid, 'published-long-enough') : null;
}

function confirmSwitch({ manifest, now, blocked }: Known, rollout: Rollout): Found {
  // After an incident's deadline nothing waits, not even for outlets: a signer may read its key elsewhere.
  if (blocked.has('outlets') && !isOverdue(manifest, now)) return null;
  const reason = rollout.direction === 'back' ? 'rolled-back' : 'switched';
  return act('confirm-signers', activeKey(manifest)?.kid ?? null, reason);
}

function isHeldOff({ manifest, now, request }: Known, rollout: Rollout): boolean {
  if (request.force || manifest.retirements.length > 0) return false;
  if (rollout.direction === 'back' && request.rollback !== null) return false;
  return isRolloutHeld(manifest, rollout, now);
}

/** A former key's clock has not started: signers are looked at once more when no reload can bring it back any more. */
export function confirmAgain({ manifest, now, request, blocked }: Known): Found {
  const active = activeKey(manifest);
  if (active === null || activeKeyBeingRetired(manifest) !== null || manifest.rollout?.phase === 'switch') return null;
  if (blocked.has('rollout') || blocked.has('outlets') || now < signersDueAt(manifest, active)) return null;
  if (isBackingOff(manifest, now) && !request.force) return null;
  return act('confirm-signers', active.kid, 'interrupted');
}

/** `--immediate` waived `publishAhead`: when no copy can be older than the key, verifiers are looked at once more. */
export function confirmLate({ manifest, policy, now, request, blocked }: Known): Found {
  const active = activeKey(manifest);
  if (active === null || activeKeyBeingRetired(manifest) !== null || manifest.rollout?.phase === 'switch') return null;
  const { key, at } = lookDue(manifest, active, policy);
  if (blocked.has('rollout') || blocked.has('outlets') || now < at) return null;
  if (isBackingOff(manifest, now) && !request.force) return null;
  return act('confirm-verifiers', key.kid, 'caches-over');
}

export function refresh({ manifest, now, blocked, request }: Known): Found {
  const { refresh: owed, backoff } = manifest;
  if (owed === null || blocked.has('refresh') || blocked.has('outlets')) return null;
  // A failure before outlets were found to differ was another one: services are reloaded once all the same.
  const failed = backoff !== null && isBackingOff(manifest, now) && failedAt(backoff) >= owed.since;
  // The switch reloads the signers anyway.
  return failed && !request.force ? null : act('refresh-services', null, 'outlets-differ');
}

export function startOver({ manifest, now, request, blocked }: Known): Found {
  if (activeKey(manifest) !== null || manifest.rollout !== null || blocked.has('generate')) return null;
  if (isBackingOff(manifest, now) && !request.force) return null;
  return act('generate', null, manifest.keys.some((key) => key.signedFrom !== null) ? 'no-active-key' : 'first-key');
}

function isSuperseded({ manifest, policy, request }: Known, key: Key): boolean {
  return request.changeAlg && key.state === 'pending' && activeKey(manifest) !== null && key.alg !== policy.alg;
}

export function supersede(known: Known): Found {
  const pending = known.manifest.keys.find((key) => isSuperseded(known, key));
  return pending === undefined ? null : act('retire', pending.kid, 'superseded');
}

export function stage(known: Known): Found {
  const why = whyStage(known);
  return why === null || !hasRoom(known) ? null : act('generate', null, why);
}

export function refuseTooMany(known: Known): Found {
  const { manifest, policy } = known;
  if (whyStage(known) === null || hasRoom(known)) return null;
  return tooManyKeys(manifest, policy, publishedKeys(manifest).length);
}

function whyStage({ manifest, policy, now, request, blocked }: Known): Reason | null {
  const active = activeKey(manifest);
  if (active === null || manifest.rollout !== null || blocked.has('generate')) return null;
  if (isBackingOff(manifest, now) && !request.force) return null;
  if (request.changeAlg && active.alg !== policy.alg) return 'algorithm-changed';
  if (request.force) return 'forced';
  return now >= stageDueAt(active, policy) ? 'age' : null;
}

function hasRoom({ manifest, policy }: Known): boolean {
  return publishedKeys(manifest).length < policy.maxKeys;
}
