import { act, type Found, type Known } from './action.js';
import { dueNow } from './clock-trust.js';
import { isBackingOff, verifiesUntil } from './due.js';
import { isBeingRetired, isOverdue } from './incident.js';
import { activeKey } from './projection.js';
import { mayLagBehind } from './switching.js';

/** At once: the store's recovery window is the grace. Again, when a put may have been in flight at the first time. */
export function deleteSecret(known: Known): Found {
  const { manifest, blocked } = known;
  const now = dueNow(known);
  for (const key of manifest.keys) {
    if (key.state !== 'retired' || !key.hasPrivate || blocked.has(`key ${key.kid}`)) continue;
    if (key.goneAt === null) return act('delete-secret', key.kid, 'retired');
    if (key.deleteAgainAt !== null && now >= key.deleteAgainAt) return act('delete-secret', key.kid, 'put-in-flight');
  }
  return null;
}

export function confirmDrop({ manifest, now, blocked, request }: Known): Found {
  // After an incident's deadline nothing waits for outlets: verifiers may read elsewhere, or another outlet was written.
  if (blocked.has('drop') || (blocked.has('outlets') && !isOverdue(manifest, now))) return null;
  const waiting = manifest.keys.filter((key) => key.state === 'retired' && key.droppedAt === null);
  const first = waiting[0];
  if (first === undefined) return null;
  const urgent = request.force || waiting.some((key) => isBeingRetired(manifest, key.kid));
  if (isBackingOff(manifest, now) && !urgent) return null;
  return act('confirm-drop', first.kid, 'key-dropped');
}

/** After an incident a verifier may have restarted on a stale read: the first run after `jwksMaxAge` looks again. */
export function lookAgain(known: Known): Found {
  const { manifest, blocked } = known;
  const now = dueNow(known);
  if (blocked.has('look-again')) return null;
  const due = manifest.retirements.find((one) => one.checkAgainAt !== null && now >= one.checkAgainAt);
  return due === undefined ? null : act('look-again', due.kid, 'key-dropped');
}

export function expire({ manifest, policy, now, blocked }: Known): Found {
  const key = manifest.keys.find(
    (one) => one.state === 'deprecated' && now >= verifiesUntil(one, policy) && !blocked.has(`key ${one.kid}`),
  );
  return key === undefined ? null : act('retire', key.kid, key.reason ?? 'expired');
}

/** When nobody accepts it any more and its secret is gone for good. */
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
  return key === undefined ? null : act('destroy', key.kid, 'window-over');
}

/** Named by the active key, but for every key that a signer may use. */
export function recordPolicy({ manifest, policy, now }: Known): Found {
  const active = activeKey(manifest);
  if (active === null) return null;
  const longer = manifest.keys.some(
    (key) =>
      mayLagBehind(key, policy, now) && (key.maxTokenTtl < policy.maxTokenTtl || key.verifyFor < policy.verifyFor),
  );
  return longer ? act('record-policy', active.kid, 'policy-longer') : null;
}
