import { type Instant, MINUTE } from './clock.js';
import { JwtrotError } from './error.js';
import { type Key, type KeysetEvent, LONGEST_TEXT, type Manifest, type Rollout } from './model.js';
import type { Policy } from './policy.js';
import { assertLegalMove, type KeyState } from './states.js';

/*
 * What every transition is made of. All of it is pure: a manifest and the commit's own time in, a manifest out.
 */

export type TokenLife = Pick<Policy, 'maxTokenTtl' | 'verifyFor'>;

/** @throws JwtrotError `no-such-key` */
export function keyOf(manifest: Manifest, kid: string): Key {
  const key = manifest.keys.findLast((one) => one.kid === kid);
  if (key === undefined) {
    throw new JwtrotError('refused', 'no-such-key', `keyset ${manifest.name} holds no key ${kid}; nothing was changed`);
  }
  return key;
}

/** Adds an event. `detail` is cut to what a manifest takes. */
export function note(
  manifest: Manifest,
  at: Instant,
  type: string,
  kid: string | null = null,
  detail: string | null = null,
): Manifest {
  const event: KeysetEvent = { at, type, kid, detail: detail?.slice(0, LONGEST_TEXT) ?? null };
  return { ...manifest, events: [...manifest.events, event] };
}

export function change(manifest: Manifest, kid: string, changes: Partial<Key>): Manifest {
  keyOf(manifest, kid);
  return { ...manifest, keys: manifest.keys.map((key) => (key.kid === kid ? { ...key, ...changes } : key)) };
}

/** @throws JwtrotError `illegal-move` */
export function move(manifest: Manifest, kid: string, to: KeyState, changes: Partial<Key>): Manifest {
  assertLegalMove(kid, keyOf(manifest, kid).state, to);
  return change(manifest, kid, { ...changes, state: to });
}

/** Changes the rollout, if there is one. */
export function changeRollout(manifest: Manifest, changes: Partial<Rollout>): Manifest {
  return manifest.rollout === null ? manifest : { ...manifest, rollout: { ...manifest.rollout, ...changes } };
}

/** The policy that holds for tokens of this key: the longest that was in force while it signed. */
export function longest(key: Key, policy: TokenLife): TokenLife {
  return {
    maxTokenTtl: Math.max(key.maxTokenTtl, policy.maxTokenTtl),
    verifyFor: Math.max(key.verifyFor, policy.verifyFor),
  };
}

/** The time of the newest event; null before the first. Not the last in the list: a clock that was behind wrote later ones. */
export function newestEventAt({ events }: Manifest): Instant | null {
  return events.reduce<Instant | null>((newest, { at }) => (newest === null || at > newest ? at : newest), null);
}

/** A time from which something is counted: by a clock that is behind it would begin, and so end, too early. */
export function countedFrom(manifest: Manifest, at: Instant): Instant {
  return Math.max(at, newestEventAt(manifest) ?? at);
}

/** From when no put of a run that was given up can be under way any more, by whatever clock. */
export function putsOver(
  manifest: Manifest,
  formerLeaseEnd: Instant,
  { clockSkew }: Pick<Policy, 'clockSkew'>,
  at: Instant,
): Instant {
  return Math.max(formerLeaseEnd, countedFrom(manifest, at)) + MINUTE + clockSkew;
}
