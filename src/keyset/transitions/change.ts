import { type Instant, MINUTE } from '../basics/clock.js';
import { JwtrotError } from '../basics/error.js';
import type { Policy } from '../basics/policy.js';
import type { Key, KeyIn } from '../manifest/key.js';
import { type KeysetEvent, LONGEST_TEXT, type Manifest, type Staging } from '../manifest/model.js';
import { assertLegalMove, type Before, type KeyState } from '../manifest/states.js';
import { newestEventAt } from '../questions/events.js';

/*
 * The parts that all transitions share. Pure: a manifest and the commit's time in, a manifest out.
 */

export type TokenLife = Pick<Policy, 'maxTokenTtl' | 'verifyFor'>;

/** The commit's time and the policy in force, or as much of it as a change needs. */
export interface Now<InForce = Policy> {
  readonly at: Instant;
  readonly policy: InForce;
}

/** @throws JwtrotError `no-such-key` */
export function keyOf(manifest: Manifest, kid: string): Key {
  const key = manifest.keys.findLast((one) => one.kid === kid);
  if (key === undefined) {
    throw new JwtrotError('refused', 'no-such-key', `keyset ${manifest.name} holds no key ${kid}; nothing was changed`);
  }
  return key;
}

/** Adds an event. Cuts `detail` to `LONGEST_TEXT`. */
export function note(manifest: Manifest, event: Pick<KeysetEvent, 'at' | 'type'> & Partial<KeysetEvent>): Manifest {
  const { at, type, kid = null, detail = null } = event;
  return {
    ...manifest,
    events: [...manifest.events, { at, type, kid, detail: detail?.slice(0, LONGEST_TEXT) ?? null }],
  };
}

/**
 * The key, which must be in one of these states.
 * @throws JwtrotError `illegal-change`: a bug; nothing may be committed
 */
export function keyIn<State extends KeyState>(manifest: Manifest, kid: string, ...states: State[]): KeyIn<State> {
  const key = keyOf(manifest, kid);
  if (isIn<State>(key, states)) return key;
  const message = `key ${kid} is ${key.state}, not ${states.join(' or ')}; nothing was changed`;
  throw new JwtrotError('refused', 'illegal-change', message);
}

function isIn<State extends KeyState>(key: Key, states: readonly KeyState[]): key is KeyIn<State> {
  return states.includes(key.state);
}

/** The key, which must be able to move to that state. @throws JwtrotError `illegal-move`, `no-such-key` */
export function keyBefore<To extends KeyState>(manifest: Manifest, kid: string, to: To): KeyIn<Before<To>> {
  const key = keyOf(manifest, kid);
  assertLegalMove(kid, key.state, to);
  return key as KeyIn<Before<To>>;
}

/** Replaces the key of the same kid. */
export function withKey(manifest: Manifest, key: Key): Manifest {
  return { ...manifest, keys: manifest.keys.map((one) => (one.kid === key.kid ? key : one)) };
}

/** Moves a rollout that has not switched yet to that phase. */
export function atPhase(manifest: Manifest, phase: Staging['phase']): Manifest {
  const { rollout } = manifest;
  return rollout === null || rollout.phase === 'switch' ? manifest : { ...manifest, rollout: { ...rollout, phase } };
}

/** The policy for this key's tokens: the longest that was in force while it signed. */
export function longest(key: Key, policy: TokenLife): TokenLife {
  return {
    maxTokenTtl: Math.max(key.maxTokenTtl, policy.maxTokenTtl),
    verifyFor: Math.max(key.verifyFor, policy.verifyFor),
  };
}

/** When a wait begins: at the newest event if this clock is behind it, since a wait must not end too early. */
export function countedFrom(manifest: Manifest, at: Instant): Instant {
  return Math.max(at, newestEventAt(manifest) ?? at);
}

/** When no put of an abandoned run can be in flight any more, by any clock. */
export function putsOver(
  manifest: Manifest,
  formerLeaseEnd: Instant,
  { at, policy }: Now<Pick<Policy, 'clockSkew'>>,
): Instant {
  return Math.max(formerLeaseEnd, countedFrom(manifest, at)) + MINUTE + policy.clockSkew;
}
