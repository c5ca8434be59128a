import type { Instant } from '../basics/clock.js';
import type { Policy } from '../basics/policy.js';
import type { Key } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import type { Difference } from '../published/differences.js';
import { newestEventAt } from '../questions/events.js';
import { atPhase, countedFrom, keyIn, type Now, note, withKey } from './change.js';
import { withoutOldFailures } from './end-of-life.js';

/*
 * Changes from outside: altered outlets, a replaced host, a wrong clock.
 */

/**
 * Records that outlets differ, before they are rewritten. A missing pending kid starts its publication again. A retired
 * kid that came back must be dropped again. The clock of a former kid that was delivered again starts when signers have
 * confirmed once more.
 */
export function outletsFound(manifest: Manifest, found: readonly Difference[], at: Instant): Manifest {
  const has = (type: Difference['type']) => found.some((one) => one.type === type);
  const refresh = {
    publish: has('published-differs') || (manifest.refresh?.publish ?? false),
    deliver: has('delivered-differs') || (manifest.refresh?.deliver ?? false),
    served: has('other-set-served') || (manifest.refresh?.served ?? false),
    since: manifest.refresh?.since ?? at,
  };
  const next = found.reduce(withDifference, { ...manifest, refresh });
  const isMissing = found.some((one) => one.type === 'pending-missing' && one.kid === next.rollout?.kid);
  return note(isMissing ? atPhase(next, 'publish') : next, { at, type: 'outlets-differ' });
}

function withDifference(manifest: Manifest, found: Difference): Manifest {
  switch (found.type) {
    case 'pending-missing':
      return withKey(manifest, { ...keyIn(manifest, found.kid, 'pending'), publishedAt: null, confirmedAt: null });
    case 'retired-returned':
      return withKey(manifest, { ...keyIn(manifest, found.kid, 'retired'), droppedAt: null });
    case 'former-delivered':
      return withKey(manifest, { ...keyIn(manifest, found.kid, 'deprecated'), signedUntil: null });
    default:
      return manifest;
  }
}

/**
 * Services have reloaded what outlets hold. A restarting service may still read a cached copy of what was served
 * before, until `verifiersOwedAt`.
 */
export function refreshed(
  manifest: Manifest,
  { at, policy }: Now<Pick<Policy, 'jwksMaxAge' | 'clockSkew' | 'slowestReload'>>,
): Manifest {
  const { jwksMaxAge, clockSkew, slowestReload } = policy;
  const cachesOver = countedFrom(manifest, at) + jwksMaxAge + clockSkew + slowestReload;
  const verifiersOwedAt = manifest.refresh?.served && jwksMaxAge > 0 ? cachesOver : null;
  const next = { ...manifest, refresh: null, verifiersOwedAt };
  return note(withoutOldFailures(next, at), { at, type: 'services-refreshed' });
}

export function hostTaken(manifest: Manifest, host: { id: string; hostname: string }, at: Instant): Manifest {
  return note(
    { ...manifest, host: { id: host.id, hostname: host.hostname } },
    { at, type: 'taken-over', detail: host.hostname },
  );
}

/**
 * The operator vouches for this clock. Times ahead of it move back by as much as the newest event is ahead, but not
 * before now: too late is safe, too early is not.
 */
export function clockAccepted(manifest: Manifest, at: Instant): Manifest {
  const ahead = Math.max(0, (newestEventAt(manifest) ?? at) - at);
  const based = (time: Instant) => (time > at ? Math.max(at, time - ahead) : time);
  const orNull: Rebase = (time) => (time === null ? time : (based(time) as typeof time));
  const rebased: Manifest = {
    ...manifest,
    keys: manifest.keys.map((key) => ({ ...rebasedKey(key, orNull), createdAt: based(key.createdAt) })),
    reloadsUntil: orNull(manifest.reloadsUntil),
    verifiersOwedAt: orNull(manifest.verifiersOwedAt),
    retirements: manifest.retirements.map((one) => ({
      ...one,
      requestedAt: based(one.requestedAt),
      deadlineAt: based(one.deadlineAt),
      checkAgainAt: orNull(one.checkAgainAt),
    })),
    rollout: manifest.rollout === null ? null : { ...manifest.rollout, startedAt: based(manifest.rollout.startedAt) },
    events: manifest.events.map((event) => ({ ...event, at: Math.min(event.at, at) })),
    backoff: null,
  };
  return note(rebased, { at, type: 'clock-accepted' });
}

/** Keeps null as null. */
type Rebase = <Time extends Instant | null>(time: Time) => Time;

function rebasedKey<K extends Key>(key: K, orNull: Rebase): K {
  return {
    ...key,
    publishedAt: orNull(key.publishedAt),
    confirmedAt: orNull(key.confirmedAt),
    activatedAt: orNull(key.activatedAt),
    signedFrom: orNull(key.signedFrom),
    deprecatedAt: orNull(key.deprecatedAt),
    signedUntil: orNull(key.signedUntil),
    retiredAt: orNull(key.retiredAt),
    droppedAt: orNull(key.droppedAt),
    // `goneAt` is a time of the store's clock, so it stays.
    deleteAgainAt: orNull(key.deleteAgainAt),
  };
}
