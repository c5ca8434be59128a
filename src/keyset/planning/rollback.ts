import type { Instant } from '../basics/clock.js';
import { JwtrotError } from '../basics/error.js';
import type { ActiveKey, DeprecatedKey, Key } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import { activeKeyBeingRetired, isBeingRetired } from '../questions/incidents.js';
import { activeKey } from '../questions/keys.js';
import { backedOff, deletedAgain, keyOf, type Now, retired, turnedBack } from '../transitions/all.js';
import type { Found, Known, Refusal } from './action.js';

/*
 * `jwtrot rollback`: going back by hand. After its one commit, everything goes on as in an automatic rollback.
 */

/**
 * The keys of a rollback by hand: `to` signs again, `from` counts as failed, `givenUp` was to sign next. `isUnderWay`:
 * the rollback has begun already, so nothing is left to decide.
 */
export type WayBack =
  | { readonly isUnderWay: true; readonly to: ActiveKey; readonly from: Key; readonly givenUp: null }
  | { readonly isUnderWay: false; readonly to: DeprecatedKey; readonly from: ActiveKey; readonly givenUp: Key | null };

const BECAUSE = 'rolled back by hand';

/** True if a rollback by hand began the back-off and nothing has failed since: things are as the operator wanted. */
export function isHeldByHand({ backoff, rollout }: Manifest): boolean {
  return backoff !== null && backoff.because === BECAUSE && rollout === null;
}

/** The way from the signing key back to the one before it, or why there is none. */
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
    const former = formerSigners(manifest).find((key) => key.kid === rollout.former);
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

/** The last key that signed before the active one, if it may sign again. */
function previousSigner(manifest: Manifest): DeprecatedKey | null {
  const fit = formerSigners(manifest).filter((key) => key.reason !== 'failed');
  return fit.sort((a, b) => (b.activatedAt ?? 0) - (a.activatedAt ?? 0) || b.version - a.version)[0] ?? null;
}

/** Deprecated keys that may sign again. */
function formerSigners(manifest: Manifest): DeprecatedKey[] {
  const deprecated = manifest.keys.filter((key) => key.state === 'deprecated');
  return deprecated.filter((key) => key.hasPrivate && key.activatedAt !== null && !isBeingRetired(manifest, key.kid));
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

/** Does exactly what the operator was shown, or nothing. */
export function rollBack({ manifest, request }: Known): Found {
  const { rollback: to } = request;
  // It signs already. The rest of a rollback is an ordinary rollout.
  if (to === null || activeKey(manifest)?.kid === to) return null;
  const way = wayBack(manifest);
  if ('code' in way) return way;
  return way.to.kid === to ? { type: 'roll-back', kid: to, reason: 'asked' } : hasChanged(manifest, to, way);
}

function hasChanged({ name }: Manifest, to: string, { from, to: other }: WayBack): Refusal {
  return {
    code: 'nothing-to-roll-back',
    message: `keyset ${name} has changed: ${from.kid} signs now, and before it ${other.kid} did, not ${to}; nothing was changed`,
    hint: 'look at it again: jwtrot rollback',
  };
}

/**
 * Switches back in one commit. Also gives up a new key that has not signed: without a rollout, nothing would look after
 * it.
 * @throws JwtrotError `nothing-to-roll-back`, `being-retired`
 */
export function rolledBackByHand(manifest: Manifest, now: Now, formerLeaseEnd: Instant): Manifest {
  const way = wayBack(manifest);
  if ('code' in way) throw new JwtrotError('refused', way.code, way.message, { hint: way.hint });
  if (way.isUnderWay) return manifest;
  const { givenUp } = way;
  const { at } = now;
  const without = (key: Key) => deletedAgain(retired(manifest, key.kid, 'superseded', at), key, formerLeaseEnd);
  return backedOff(turnedBack(givenUp === null ? manifest : without(givenUp), way, now, BECAUSE), BECAUSE, at);
}
