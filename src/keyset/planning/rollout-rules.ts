import type { Key } from '../manifest/key.js';
import type { Rollout } from '../manifest/model.js';
import { failedAt, isBackingOff, isRolloutHeld } from '../questions/backoff.js';
import { mayActivate, recheckDue, stageDueAt } from '../questions/due.js';
import { activeKeyBeingRetired, isOverdue } from '../questions/incidents.js';
import { isOtherKind, kindOf, pendingChange, wantedKind } from '../questions/key-kind.js';
import { activeKey, publishedKeys } from '../questions/keys.js';
import { isIncident } from '../questions/open-incidents.js';
import { signersRecheckAt } from '../questions/slow-reload.js';
import type { Found, Known } from './action.js';
import { dueNow } from './clock.js';
import { generate } from './generation.js';
import type { Reason } from './reason.js';
import { tooManyKeys } from './refusals.js';

/** Takes care of a key that a killed run left between intent and effect. */
export function recover({ manifest, blocked }: Known): Found {
  const key = manifest.keys.find((one) => one.state === 'creating' && !blocked.has(`key ${one.kid}`));
  return key === undefined ? null : { type: 'recover', kid: key.kid, reason: 'interrupted' };
}

export function expedite(known: Known): Found {
  const { manifest, request, now } = known;
  const { rollout } = manifest;
  if (rollout === null || rollout.phase === 'switch') return null;
  // The request is meant for the key that replaces this one.
  if (manifest.keys.some((key) => key.kid === rollout.kid && isSuperseded(known, key))) return null;
  const asked = (request.force && !rollout.forced) || (request.immediate && !rollout.immediate);
  const waiting = request.force && isBackingOff(manifest, now);
  if (!asked && !waiting) return null;
  const { immediate } = request;
  return { type: 'expedite', kid: rollout.kid, immediate, reason: immediate ? 'immediate' : 'forced' };
}

/** Resumes a rollout at its phase. A back-off holds it, except for `--force` or an incident. */
export function resume(known: Known): Found {
  const { manifest, policy, blocked } = known;
  const { rollout } = manifest;
  if (rollout === null || blocked.has('rollout') || isHeldOff(known, rollout)) return null;
  if (rollout.phase === 'switch') return confirmSwitch(known, rollout);
  if (blocked.has('outlets') || blocked.has('clock')) return null;
  const key = manifest.keys.find((one) => one.kid === rollout.kid);
  if (key === undefined || key.state !== 'pending') return null;
  // A key of the wrong kind will never sign: `supersede` comes first.
  if (isSuperseded(known, key)) return null;
  if (key.confirmedAt === null) {
    return { type: 'confirm-verifiers', kid: key.kid, isRecheck: false, reason: 'new-key' };
  }
  if (!mayActivate(manifest, key, policy, dueNow(known))) return null;
  return { type: 'activate', kid: key.kid, reason: 'published-long-enough' };
}

function confirmSwitch({ manifest, now, blocked }: Known, rollout: Rollout): Found {
  // After an incident's deadline nothing waits, not even for outlets: a signer may read its key elsewhere.
  if (blocked.has('outlets') && !isOverdue(manifest, now)) return null;
  const active = activeKey(manifest);
  if (active === null) return null;
  return rollout.direction === 'back'
    ? { type: 'confirm-signers', kid: active.kid, settles: 'way-back', reason: 'rolled-back' }
    : { type: 'confirm-signers', kid: active.kid, settles: 'switch', reason: 'switched' };
}

function isHeldOff({ manifest, now, request }: Known, rollout: Rollout): boolean {
  if (request.force || isIncident(manifest)) return false;
  if (rollout.direction === 'back' && request.rollback !== null) return false;
  return isRolloutHeld(manifest, rollout, now);
}

/** A former key's clock has not started. Checks signers again once no reload can bring that key back. */
export function confirmAgain({ manifest, now, request, blocked }: Known): Found {
  const active = activeKey(manifest);
  if (active === null || activeKeyBeingRetired(manifest) !== null || manifest.rollout?.phase === 'switch') return null;
  if (blocked.has('rollout') || blocked.has('outlets') || blocked.has('delivery')) return null;
  if (now < signersRecheckAt(manifest, active)) return null;
  if (isBackingOff(manifest, now) && !request.force) return null;
  return { type: 'confirm-signers', kid: active.kid, settles: 'former-clock', reason: 'interrupted' };
}

/** `--immediate` skipped `publishAhead`. Checks verifiers again once no copy can be older than the key. */
export function confirmLate({ manifest, policy, now, request, blocked }: Known): Found {
  const active = activeKey(manifest);
  if (active === null || activeKeyBeingRetired(manifest) !== null || manifest.rollout?.phase === 'switch') return null;
  const { key, at } = recheckDue(manifest, active, policy);
  if (blocked.has('rollout') || blocked.has('outlets') || now < at) return null;
  if (isBackingOff(manifest, now) && !request.force) return null;
  return { type: 'confirm-verifiers', kid: key.kid, isRecheck: true, reason: 'caches-over' };
}

export function refresh({ manifest, now, blocked, request }: Known): Found {
  const { refresh: owed, backoff } = manifest;
  if (owed === null || blocked.has('refresh') || blocked.has('outlets') || blocked.has('delivery')) return null;
  // A failure from before the outlets differed had another cause: reload services once all the same.
  const failed = backoff !== null && isBackingOff(manifest, now) && failedAt(backoff) >= owed.since;
  // The switch reloads the signers anyway.
  return failed && !request.force ? null : { type: 'refresh-services', reason: 'outlets-differ' };
}

export function startOver(known: Known): Found {
  const { manifest, now, request, blocked } = known;
  if (activeKey(manifest) !== null || manifest.rollout !== null || blocked.has('generate')) return null;
  if (isBackingOff(manifest, now) && !request.force) return null;
  return generate(known, manifest.keys.some((key) => key.signedFrom !== null) ? 'no-active-key' : 'first-key');
}

/** Others put another set into an outlet. Checks verifiers again once no copy of it can be left. */
export function refreshLate({ manifest, now, blocked, request }: Known): Found {
  const { verifiersOwedAt } = manifest;
  if (verifiersOwedAt === null || now < verifiersOwedAt || manifest.rollout?.phase === 'switch') return null;
  if (blocked.has('refresh') || blocked.has('outlets') || (isBackingOff(manifest, now) && !request.force)) return null;
  return { type: 'refresh-services', reason: 'caches-over' };
}

function isSuperseded({ manifest, policy, request }: Known, key: Key): boolean {
  return (
    request.changeAlg &&
    key.state === 'pending' &&
    activeKey(manifest) !== null &&
    isOtherKind(kindOf(key), wantedKind(policy))
  );
}

export function supersede(known: Known): Found {
  const pending = known.manifest.keys.find((key) => isSuperseded(known, key));
  if (pending === undefined) return null;
  return { type: 'retire', kid: pending.kid, as: 'superseded', asksSigners: false, reason: 'superseded' };
}

export function stage(known: Known): Found {
  const why = whyStage(known);
  return why === null || !hasRoom(known) ? null : generate(known, why);
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
  if (request.changeAlg && pendingChange(manifest, policy) !== null) return 'algorithm-changed';
  if (request.force) return request.immediate ? 'immediate' : 'forced';
  return now >= stageDueAt(active, policy) ? 'age' : null;
}

function hasRoom({ manifest, policy }: Known): boolean {
  return publishedKeys(manifest).length < policy.maxKeys;
}
