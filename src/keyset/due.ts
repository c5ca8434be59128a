import { newestEventAt } from './change.js';
import type { Instant } from './clock.js';
import { wasGivenUp } from './given-up.js';
import type { Key, Manifest, Rollout } from './model.js';
import type { Policy } from './policy.js';
import { activeKey } from './projection.js';
import { failedAt } from './switching.js';

/*
 * When things fall due: one place for each threshold, for the planner and for `status`. Infinity: not foreseeable yet.
 */

/** From when the active key's age counts. A rollback or an incident that makes it active again does not make it young. */
export function signsSince(active: Key): Instant {
  return active.signedFrom ?? active.activatedAt ?? 0;
}

/** When a new key is to be staged, so that the active key's age reaches `rotateEvery` as `publishAhead` ends. */
export function stageDueAt(active: Key, policy: Policy): Instant {
  return signsSince(active) + policy.rotateEvery - policy.publishAhead;
}

/**
 * No other key was ever in the JWKS: no verifier can have cached a set without the first key. That `publishedAt` is
 * absent does not show it: a run may have died between writing and reading back. A key that was given up shows it.
 */
export function isFirstKey(manifest: Manifest, kid: string): boolean {
  return manifest.keys.every((key) => key.kid === kid || key.state === 'creating' || wasGivenUp(key));
}

/** The pending key may sign, the gate aside. What need not wait does not wait for a clock that is behind either. */
export function mayActivate(manifest: Manifest, key: Key, policy: Policy, now: Instant): boolean {
  if (key.publishedAt === null || key.confirmedAt === null) return false;
  return isAtOnce(manifest, key) || now >= activateDueAt(manifest, key, policy);
}

function isAtOnce(manifest: Manifest, key: Key): boolean {
  return manifest.rollout?.immediate === true || isFirstKey(manifest, key.kid);
}

/**
 * From when no reload of a verifier can bring back a set from before the key was published: one that was ordered as long
 * as copies of it were about has taken effect. A later reload may have confirmed before it ends. With a `publishAhead` of
 * zero verifiers end their reloads in order, as the documentation asks for.
 */
function noOlderCopyAt(publishedAt: Instant, policy: Policy): Instant {
  const { publishAhead, jwksMaxAge, clockSkew, slowestReload } = policy;
  return publishAhead === 0 ? publishedAt : publishedAt + jwksMaxAge + clockSkew + slowestReload;
}

/** When the pending key may sign, the gate aside. */
export function activateDueAt(manifest: Manifest, key: Key, policy: Policy): Instant {
  const { rollout } = manifest;
  if (key.publishedAt === null || key.confirmedAt === null) return Number.POSITIVE_INFINITY;
  const shown = Math.max(key.publishedAt, key.confirmedAt);
  if (isAtOnce(manifest, key)) return shown;
  const ahead = Math.max(shown + policy.publishAhead, noOlderCopyAt(key.publishedAt, policy));
  const active = activeKey(manifest);
  if (active === null || rollout?.forced) return ahead;
  return Math.max(ahead, signsSince(active) + policy.rotateEvery);
}

/**
 * When verifiers are looked at once more, and for which key: it signs, or has signed before the way back from it, without
 * having been published ahead of that, so one may have read a copy from before its publication since. Of an older key
 * nothing is to be feared: a copy that holds the active one holds it, too. Infinity: it is not owed.
 */
export function lookDue(manifest: Manifest, active: Key, policy: Policy): { readonly key: Key; readonly at: Instant } {
  const owed = manifest.keys
    .filter((key) => key.kid === active.kid || (key.state === 'deprecated' && key.version > active.version))
    .map((key) => ({ key, at: lookDueAt(manifest, key, policy) }));
  return owed.reduce((first, one) => (one.at < first.at ? one : first), { key: active, at: Number.POSITIVE_INFINITY });
}

function lookDueAt(manifest: Manifest, key: Key, policy: Policy): Instant {
  const { publishedAt, confirmedAt, version } = key;
  const isFirst = manifest.keys.every((one) => one.version >= version || wasGivenUp(one));
  if (publishedAt === null || confirmedAt === null || isFirst) return Number.POSITIVE_INFINITY;
  const due = publishedAt + policy.jwksMaxAge + policy.clockSkew;
  return confirmedAt < due ? due : Number.POSITIVE_INFINITY;
}

/**
 * When signers are looked at once more, because a former key's clock has not started: as they confirmed, a reload was
 * under way that could bring it back (or, where the active key is the first, leave one without a key). Under a lease
 * `reloadsUntil` is about that run. Infinity: it is not owed.
 */
export function signersDueAt({ keys, lease, reloadsUntil, signersOwed }: Manifest, active: Key): Instant {
  const isOwed = signersOwed || keys.some((key) => key.state === 'deprecated' && key.signedUntil === null);
  if (!isOwed) return Number.POSITIVE_INFINITY;
  return lease === null ? (reloadsUntil ?? 0) : (active.activatedAt ?? 0) + (lease.until - lease.since);
}

/** Until when a key that signed stays in the JWKS. */
export function verifiesUntil(key: Key, policy: Pick<Policy, 'clockSkew'>): Instant {
  return key.signedUntil === null ? Number.POSITIVE_INFINITY : key.signedUntil + key.verifyFor + policy.clockSkew;
}

/** The clock is behind the newest event by more than clocks may differ: an expiry computed with it would be wrong. */
export function isClockBehind(manifest: Manifest, policy: Pick<Policy, 'clockSkew'>, now: Instant): boolean {
  const newest = newestEventAt(manifest);
  return newest !== null && now < newest - policy.clockSkew;
}

export function isBackingOff(manifest: Manifest, now: Instant): boolean {
  return manifest.backoff !== null && now < manifest.backoff.until;
}

/** The way back begins with the failure that the back-off follows: it is held only if it failed itself since. */
export function isRolloutHeld(manifest: Manifest, { direction }: Rollout, now: Instant): boolean {
  const { backoff } = manifest;
  if (backoff === null || !isBackingOff(manifest, now)) return false;
  return direction === 'forward' || failedAt(backoff) > (activeKey(manifest)?.activatedAt ?? 0);
}
