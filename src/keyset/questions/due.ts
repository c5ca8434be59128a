import type { Instant } from '../basics/clock.js';
import type { Policy } from '../basics/policy.js';
import type { ActiveKey, Key } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import { newestEventAt } from './events.js';
import { wasGivenUp } from './given-up.js';
import { activeKey } from './keys.js';

/*
 * When things fall due. Planner and `status` share each threshold. Infinity: not foreseeable yet.
 */

/** The start of the active key's age. A rollback or incident that activates it again does not make it younger. */
export function signsSince(active: ActiveKey): Instant {
  return active.signedFrom;
}

/** When to stage a new key, so that the active key reaches `rotateEvery` just as `publishAhead` ends. */
export function stageDueAt(active: ActiveKey, policy: Policy): Instant {
  return signsSince(active) + policy.rotateEvery - policy.publishAhead;
}

/**
 * True if no other key was ever in the JWKS, so no verifier can have cached a set without this one. An absent
 * `publishedAt` does not prove that: a run may have died between writing and reading back. A key that was given up does
 * prove it. In a recovered history nobody knows all keys, so it is false.
 */
export function isFirstKey(manifest: Manifest, kid: string): boolean {
  if (manifest.formerLineages.length > 0) return false;
  return manifest.keys.every((key) => key.kid === kid || key.state === 'creating' || wasGivenUp(key));
}

/** True if the pending key may sign, apart from the gate. One that need not wait does not wait for a wrong clock. */
export function mayActivate(manifest: Manifest, key: Key, policy: Policy, now: Instant): boolean {
  if (key.publishedAt === null || key.confirmedAt === null) return false;
  return isAtOnce(manifest, key) || now >= activateDueAt(manifest, key, policy);
}

function isAtOnce(manifest: Manifest, key: Key): boolean {
  return manifest.rollout?.immediate === true || isFirstKey(manifest, key.kid);
}

/**
 * When no verifier's reload can bring back a set from before the key's publication: every reload ordered while old
 * copies existed has taken effect. A later reload may confirm before such a reload ends. With a `publishAhead` of zero,
 * verifiers must finish reloads in order, as the documentation requires.
 */
function noOlderCopyAt(publishedAt: Instant, policy: Policy): Instant {
  const { publishAhead, jwksMaxAge, clockSkew, slowestReload } = policy;
  return publishAhead === 0 ? publishedAt : publishedAt + jwksMaxAge + clockSkew + slowestReload;
}

/** What the pending key waits for before it may sign. */
export type ActivationTerm = 'gate' | 'publishAhead' | 'copies' | 'rotateEvery';

/** When the pending key may sign, apart from the gate, and its longest wait. Infinity: not shown everywhere yet. */
export function activation(manifest: Manifest, key: Key, policy: Policy): { at: Instant; term: ActivationTerm } {
  if (key.publishedAt === null || key.confirmedAt === null) return { at: Number.POSITIVE_INFINITY, term: 'gate' };
  const shown = Math.max(key.publishedAt, key.confirmedAt);
  if (isAtOnce(manifest, key)) return { at: shown, term: 'gate' };
  const terms: { at: Instant; term: ActivationTerm }[] = [
    { at: shown + policy.publishAhead, term: 'publishAhead' },
    { at: noOlderCopyAt(key.publishedAt, policy), term: 'copies' },
  ];
  const active = activeKey(manifest);
  if (active !== null && manifest.rollout?.forced !== true)
    terms.push({ at: signsSince(active) + policy.rotateEvery, term: 'rotateEvery' });
  return terms.reduce((latest, one) => (one.at >= latest.at ? one : latest));
}

/** When the pending key may sign, apart from the gate. */
export function activateDueAt(manifest: Manifest, key: Key, policy: Policy): Instant {
  return activation(manifest, key, policy).at;
}

/**
 * When to check verifiers again, and for which key: one that signs, or signed before a rollback, without
 * `publishAhead`. A verifier may since have read a copy from before its publication. Older keys are safe: a copy with
 * the active key holds them, too. Infinity: no check is owed.
 */
export function recheckDue(
  manifest: Manifest,
  active: Key,
  policy: Policy,
): { readonly key: Key; readonly at: Instant } {
  const owed = manifest.keys
    .filter((key) => key.kid === active.kid || (key.state === 'deprecated' && key.version > active.version))
    .map((key) => ({ key, at: recheckDueAt(manifest, key, policy) }));
  return owed.reduce((first, one) => (one.at < first.at ? one : first), { key: active, at: Number.POSITIVE_INFINITY });
}

function recheckDueAt(manifest: Manifest, key: Key, policy: Policy): Instant {
  const { publishedAt, confirmedAt, activatedAt, version } = key;
  const isFirst = manifest.keys.every((one) => one.version >= version || wasGivenUp(one));
  // A key imported to verify was never allowed to sign.
  const wasLetSign = confirmedAt !== null || activatedAt !== null;
  if (publishedAt === null || !wasLetSign || isFirst) return Number.POSITIVE_INFINITY;
  const due = publishedAt + policy.jwksMaxAge + policy.clockSkew;
  // An incident's deadline let it sign before all verifiers had confirmed it.
  return confirmedAt === null || confirmedAt < due ? due : Number.POSITIVE_INFINITY;
}

/** When a key that signed leaves the JWKS. */
export function verifiesUntil(key: Key, policy: Pick<Policy, 'clockSkew'>): Instant {
  return key.signedUntil === null ? Number.POSITIVE_INFINITY : key.signedUntil + key.verifyFor + policy.clockSkew;
}

/** True if the clock is behind the newest event by more than `clockSkew`: an expiry computed with it would be wrong. */
export function isClockBehind(manifest: Manifest, policy: Pick<Policy, 'clockSkew'>, now: Instant): boolean {
  const newest = newestEventAt(manifest);
  return newest !== null && now < newest - policy.clockSkew;
}
