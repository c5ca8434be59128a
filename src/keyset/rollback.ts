import { act, type Found, type Known, type Refusal } from './action.js';
import type { Instant } from './clock.js';
import { JwtrotError } from './error.js';
import { activeKeyBeingRetired, isBeingRetired } from './incident.js';
import type { Key, Manifest } from './model.js';
import type { Policy } from './policy.js';
import { activeKey } from './projection.js';
import { backedOff, keyOf, turnedBack, withdrawn } from './transitions.js';

/*
 * `jwtrot rollback`: the way back by hand. What follows its one commit is what follows an automatic rollback.
 */

/** Which keys an operator's way back concerns. */
export interface WayBack {
  /** Signs again. */
  readonly to: Key;
  /** Counts as failed from now on. */
  readonly from: Key;
  /** Was to sign next and is given up. */
  readonly givenUp: Key | null;
  /** It has begun: there is nothing to decide any more. */
  readonly isUnderWay: boolean;
}

const BECAUSE = 'rolled back by hand';

/** From the key that signs now to the one before it; or why there is no such way. */
export function wayBack(manifest: Manifest): WayBack | Refusal {
  const { rollout, retirements } = manifest;
  const active = activeKey(manifest);
  if (active === null) return nothing(manifest, 'no key is active', 'jwtrot status shows how things stand');
  const leaving = activeKeyBeingRetired(manifest);
  if (leaving !== null) return beingRetired(manifest, leaving.kid);
  if (rollout?.direction === 'back') {
    return { to: active, from: keyOf(manifest, rollout.kid), givenUp: null, isUnderWay: true };
  }
  const incident = retirements[0];
  if (rollout?.phase === 'switch') {
    const former = manifest.keys.find((key) => key.kid === rollout.former && maySignAgain(manifest, key));
    if (former !== undefined) return { to: former, from: active, givenUp: null, isUnderWay: false };
    if (rollout.immediate && incident !== undefined) return beingRetired(manifest, incident.kid);
    return nothing(
      manifest,
      `signers are on their way to ${active.kid}`,
      'jwtrot rotate goes on with it; jwtrot status shows who is awaited',
    );
  }
  const former = previousSigner(manifest);
  const next = rollout === null ? null : keyOf(manifest, rollout.kid);
  if (former !== null) return { to: former, from: active, givenUp: next, isUnderWay: false };
  if (next === null) {
    return nothing(
      manifest,
      `those before ${active.kid} are gone, or had failed`,
      'to put a new key in its place: jwtrot rotate --force',
    );
  }
  return nothing(
    manifest,
    `${next.kid} has not signed yet, ${active.kid} signs on`,
    `to give up the new key: jwtrot retire --kid ${next.kid} --reason superseded`,
  );
}

/** The key that signed last before the active one, if it may sign again. */
function previousSigner(manifest: Manifest): Key | null {
  const fit = manifest.keys.filter((key) => maySignAgain(manifest, key) && key.reason !== 'failed');
  return fit.sort((a, b) => (b.activatedAt ?? 0) - (a.activatedAt ?? 0) || b.version - a.version)[0] ?? null;
}

function maySignAgain(manifest: Manifest, key: Key): boolean {
  const hasSigned = key.state === 'deprecated' && key.hasPrivate && key.activatedAt !== null;
  return hasSigned && !isBeingRetired(manifest, key.kid);
}

function nothing({ name }: Manifest, why: string, hint: string): Refusal {
  return {
    code: 'nothing-to-roll-back',
    message: `keyset ${name} has no former key to go back to: ${why}; nothing was changed`,
    hint,
  };
}

function beingRetired({ name }: Manifest, kid: string): Refusal {
  return {
    code: 'being-retired',
    message: `keyset ${name} is getting rid of ${kid}: there is no way back to it; nothing was changed`,
    hint: `jwtrot retire --kid ${kid} goes on with it; jwtrot status shows how things stand`,
  };
}

/** What the operator was told is done, or nothing is. */
export function rollBack({ manifest, request }: Known): Found {
  const { rollback: to } = request;
  // It signs already: what is left of the way back is a rollout like any other.
  if (to === null || activeKey(manifest)?.kid === to) return null;
  const way = wayBack(manifest);
  if ('code' in way) return way;
  return way.to.kid === to ? act('roll-back', to, 'asked') : hasChanged(manifest, to, way);
}

function hasChanged({ name }: Manifest, to: string, { from, to: other }: WayBack): Refusal {
  return {
    code: 'nothing-to-roll-back',
    message: `keyset ${name} has changed: ${from.kid} signs now, and before it ${other.kid} did, not ${to}; nothing was changed`,
    hint: 'look at it again: jwtrot rollback',
  };
}

/**
 * The switch back, in one commit. A new key that has not signed is given up with it: without a rollout nobody would look
 * after it.
 * @throws JwtrotError `nothing-to-roll-back`, `being-retired`
 */
export function rolledBackByHand(manifest: Manifest, policy: Policy, formerLeaseEnd: Instant, at: Instant): Manifest {
  const way = wayBack(manifest);
  if ('code' in way) throw new JwtrotError('refused', way.code, way.message, { hint: way.hint });
  const { from, to, givenUp } = way;
  const left = givenUp === null ? manifest : withdrawn(manifest, givenUp, 'superseded', formerLeaseEnd, at);
  return backedOff(turnedBack(left, from, to.kid, policy, BECAUSE, at), BECAUSE, at);
}
