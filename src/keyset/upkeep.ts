import { change, changeRollout, newestEventAt, note } from './change.js';
import type { Instant } from './clock.js';
import { withoutOldFailures } from './end-of-life.js';
import type { Key, Manifest } from './model.js';

/*
 * What happens to a keyset from outside: outlets that were changed, a host that was replaced, a clock that was wrong.
 */

/** What was found at outlets that nothing under way explains. */
export interface Unexplained {
  readonly publish: boolean;
  readonly deliver: boolean;
  /** Pending kids that were published and are not in an outlet now: a cache may have taken the set without them. */
  readonly missing: readonly string[];
  /** Retired kids that every verifier had dropped and that are in an outlet again: one may have taken them from there. */
  readonly returned: readonly string[];
  /** Former kids that are delivered again, though their clock runs: a signer may have taken them from there. */
  readonly signing: readonly string[];
}

/** Of what was found nobody could tell any more once the outlets are written. */
export function leavesNoTrace({ missing, signing }: Unexplained): boolean {
  return missing.length + signing.length > 0;
}

/**
 * Intent: outlets were found to differ and will be written again. A pending kid that was missing starts anew; a retired
 * one that came back has to be dropped again; the clock of a former one starts when signers have confirmed once more.
 */
export function outletsFound(manifest: Manifest, found: Unexplained, at: Instant): Manifest {
  const refresh = {
    publish: found.publish || (manifest.refresh?.publish ?? false),
    deliver: found.deliver || (manifest.refresh?.deliver ?? false),
    since: manifest.refresh?.since ?? at,
  };
  let next: Manifest = { ...manifest, refresh };
  for (const kid of found.missing) next = change(next, kid, { publishedAt: null, confirmedAt: null });
  for (const kid of found.returned) next = change(next, kid, { droppedAt: null });
  for (const kid of found.signing) next = change(next, kid, { signedUntil: null });
  const rolled = next.rollout !== null && found.missing.includes(next.rollout.kid);
  return note(rolled ? changeRollout(next, { phase: 'publish' }) : next, at, 'outlets-differ');
}

export function refreshed(manifest: Manifest, at: Instant): Manifest {
  return note(withoutOldFailures({ ...manifest, refresh: null }, at), at, 'services-refreshed');
}

export function hostTaken(manifest: Manifest, host: { id: string; hostname: string }, at: Instant): Manifest {
  return note({ ...manifest, host: { id: host.id, hostname: host.hostname } }, at, 'taken-over', null, host.hostname);
}

/**
 * The operator says that this clock is right: times ahead of it are moved back by as much as the newest event is ahead,
 * but not before now. Too late is safe, too early is not.
 */
export function clockAccepted(manifest: Manifest, at: Instant): Manifest {
  const ahead = Math.max(0, (newestEventAt(manifest) ?? at) - at);
  const based = (time: Instant) => (time > at ? Math.max(at, time - ahead) : time);
  const orNull = (time: Instant | null) => (time === null ? null : based(time));
  const rebased: Manifest = {
    ...manifest,
    keys: manifest.keys.map((key) => ({ ...rebasedKey(key, orNull), createdAt: based(key.createdAt) })),
    reloadsUntil: orNull(manifest.reloadsUntil),
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
  return note(rebased, at, 'clock-accepted');
}

function rebasedKey(key: Key, orNull: (time: Instant | null) => Instant | null): Key {
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
    // `goneAt` is the store's own time.
    deleteAgainAt: orNull(key.deleteAgainAt),
  };
}
