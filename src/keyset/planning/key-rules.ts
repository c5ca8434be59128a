import type { RetiredKey } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import { lacksKeys } from '../published/jwk-set.js';
import { isBackingOff } from '../questions/backoff.js';
import { verifiesUntil } from '../questions/due.js';
import { isBeingRetired, isOverdue } from '../questions/incidents.js';
import { activeKey } from '../questions/keys.js';
import { mayLagBehind } from '../questions/use.js';
import type { Found, Known } from './action.js';
import { dueNow } from './clock.js';

/**
 * Deletes a retired key's secret at once, or after the last look at verifiers that show by its canaries that they reject
 * it: the store's recovery window is the grace period. Deletes it once more if a put may have been in flight the first
 * time.
 */
export function deleteSecret(known: Known): Found {
  const { manifest, blocked } = known;
  const now = dueNow(known);
  for (const key of manifest.keys) {
    if (key.state !== 'retired' || !key.hasPrivate || blocked.has(`key ${key.kid}`)) continue;
    if (key.goneAt === null && awaitsLastLook(known, key)) continue;
    if (key.goneAt === null) return { type: 'delete-secret', kid: key.kid, again: false, reason: 'retired' };
    if (key.deleteAgainAt !== null && now >= key.deleteAgainAt) {
      return { type: 'delete-secret', kid: key.kid, again: true, reason: 'put-in-flight' };
    }
  }
  return null;
}

/**
 * A canary of a retired key is signed with its private half. Afterwards nothing shows any more who still accepts it. The
 * time is bounded, whatever verifiers do; a look that is due comes first. `--purge` gives the proof up.
 */
function awaitsLastLook(known: Known, key: RetiredKey): boolean {
  const { manifest, policy, observations } = known;
  if (policy.dropsByCanary !== true || key.publishedAt === null || observations.otherHistory === true) return false;
  const asked = manifest.retirements.find((one) => one.kid === key.kid);
  if (asked?.purge === true) return false;
  if (key.droppedAt !== null && asked === undefined) return false;
  const latest = key.retiredAt + policy.jwksMaxAge + 2 * policy.clockSkew;
  return dueNow(known) < latest || confirmDrop(known) !== null || recheckDrop(known) !== null;
}

export function confirmDrop({ manifest, now, blocked, request }: Known): Found {
  const kids = undropped(manifest);
  if (blocked.has('drop') || kids.length === 0) return null;
  const isIncident = kids.some((kid) => isBeingRetired(manifest, kid));
  // A JWKS never becomes empty unasked: an outlet keeps the key until there is another.
  if (lacksKeys(manifest) && !isIncident) return null;
  // An incident does not wait for outlets: verifiers may read elsewhere, or another outlet succeeded.
  if (blocked.has('outlets') && !isIncident && !isOverdue(manifest, now)) return null;
  const urgent = request.force || isIncident;
  if (isBackingOff(manifest, now) && !urgent) return null;
  return { type: 'confirm-drop', kids, reason: 'key-dropped' };
}

/** Retired kids that a verifier may still accept: first the one whose retirement was asked for last. */
export function undropped({ keys, retirements }: Manifest): string[] {
  const asked = (kid: string) => retirements.findIndex((one) => one.kid === kid);
  const kids = keys.filter((key) => key.state === 'retired' && key.droppedAt === null).map(({ kid }) => kid);
  return kids.sort((a, b) => asked(b) - asked(a));
}

/** A verifier may restart with a stale copy after an incident. The first run after `jwksMaxAge` checks again. */
export function recheckDrop(known: Known): Found {
  const { manifest, blocked } = known;
  const now = dueNow(known);
  if (blocked.has('recheck-drop')) return null;
  const due = manifest.retirements.find((one) => one.checkAgainAt !== null && now >= one.checkAgainAt);
  return due === undefined ? null : { type: 'recheck-drop', kid: due.kid, reason: 'key-dropped' };
}

export function expire({ manifest, policy, now, blocked }: Known): Found {
  const key = manifest.keys.find(
    (one) => one.state === 'deprecated' && now >= verifiesUntil(one, policy) && !blocked.has(`key ${one.kid}`),
  );
  if (key === undefined) return null;
  const why = key.reason ?? 'expired';
  return { type: 'retire', kid: key.kid, as: why, asksSigners: true, reason: why };
}

/** Destroys a key once no verifier accepts it and its secret is gone for good. */
export function destroy({ manifest, now, blocked }: Known): Found {
  const key = manifest.keys.find(
    (one) =>
      one.state === 'retired' &&
      !blocked.has(`key ${one.kid}`) &&
      one.droppedAt !== null &&
      one.deleteAgainAt === null &&
      (!one.hasPrivate || (one.goneAt !== null && now >= one.goneAt)) &&
      !isBeingRetired(manifest, one.kid),
  );
  return key === undefined ? null : { type: 'destroy', kid: key.kid, reason: 'window-over' };
}

/** Applies to every key that a signer may use; the action names the active one. */
export function recordPolicy({ manifest, policy, now }: Known): Found {
  const active = activeKey(manifest);
  if (active === null) return null;
  const longer = manifest.keys.some(
    (key) =>
      mayLagBehind(key, policy, now) && (key.maxTokenTtl < policy.maxTokenTtl || key.verifyFor < policy.verifyFor),
  );
  return longer ? { type: 'record-policy', kid: active.kid, reason: 'policy-longer' } : null;
}
