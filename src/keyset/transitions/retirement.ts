import type { Instant } from '../basics/clock.js';
import type { Key, KeyIn } from '../manifest/key.js';
import type { Manifest, Retirement, Staging, Switching } from '../manifest/model.js';
import { isPublished } from '../manifest/states.js';
import { isInUse, type RetireRequest } from '../questions/incidents.js';
import { dropRecheckAt } from '../questions/slow-reload.js';
import { activated, deletedAgain, keyOf, type Now, note, retired } from './all.js';
import { withKey } from './change.js';
import { enteredRetired } from './stray.js';

/*
 * The changes that a commit can make to an incident (docs/design.md, section 4, `retire`).
 */

/**
 * Records the request in the commit that takes the lease, and does what needs no waiting: takes a key that nothing
 * signs with out of the JWKS, and cancels or redirects a rollout that concerns the key. If the key is being retired
 * already, the newest request's deadline and options apply.
 */
export function retirementRecorded(
  manifest: Manifest,
  request: RetireRequest,
  formerLeaseEnd: Instant,
  at: Instant,
): Manifest {
  const { deadline, stray, also: _also, isUnsure: _isUnsure, ...rest } = request;
  const entered = stray === undefined ? manifest : enteredRetired(manifest, stray, request.reason, at);
  const known = keyOf(entered, request.kid);
  // Every verifier had dropped it already: check them again now.
  const isDropped = known.droppedAt !== null || known.state === 'destroyed';
  const checkAgainAt = isDropped ? at : null;
  const record: Retirement = { ...rest, requestedAt: at, deadlineAt: at + deadline, checkAgainAt };
  const others = entered.retirements.filter((one) => one.kid !== request.kid);
  const recorded = note(
    { ...entered, retirements: [...others, record], backoff: null },
    { at, type: 'retire-requested', kid: request.kid, detail: request.reason },
  );
  const key = keyOf(recorded, request.kid);
  if (key.state === 'active') {
    return request.noReplacement ? retired(recorded, key.kid, request.reason, at) : redirected(recorded, key, at);
  }
  if (!isPublished(key.state) && key.state !== 'creating') return request.purge ? purgedNow(recorded, key) : recorded;
  if (isInUse(recorded, key)) return neverBackTo(recorded, key.kid);
  return deletedAgain(retired(recorded, key.kid, request.reason, at), key, formerLeaseEnd);
}

/** Its deletion may have been ordered with a recovery window. Order it again without one. */
function purgedNow(manifest: Manifest, key: Key): Manifest {
  return key.state === 'retired' ? withKey(manifest, { ...key, goneAt: null }) : manifest;
}

/** The active key must go. The pending key replaces it without `publishAhead`; if there is none, one is generated. */
function redirected(manifest: Manifest, key: Key, at: Instant): Manifest {
  const { keys } = manifest;
  const next = keys.find((one) => one.state === 'pending') ?? keys.find((one) => one.state === 'creating');
  if (next === undefined) return { ...manifest, rollout: null };
  const startedAt = manifest.rollout?.kid === next.kid ? manifest.rollout.startedAt : at;
  const redirect: Staging = {
    kid: next.kid,
    former: null,
    direction: 'forward',
    phase: phaseOf(next),
    startedAt,
    forced: true,
    immediate: true,
    signersAnswered: false,
  };
  return note({ ...manifest, rollout: redirect }, { at, type: 'redirected', kid: key.kid });
}

function phaseOf(key: KeyIn<'creating' | 'pending'>): Staging['phase'] {
  if (key.state === 'creating') return 'store';
  if (key.publishedAt === null) return 'publish';
  return key.confirmedAt === null ? 'verify' : 'ahead';
}

function neverBackTo(manifest: Manifest, kid: string): Manifest {
  if (manifest.rollout === null || manifest.rollout.former !== kid || manifest.rollout.direction === 'back')
    return manifest;
  return { ...manifest, rollout: { ...manifest.rollout, former: null } };
}

/**
 * The deadline has passed: activates the replacement and retires the key in one commit.
 * @param kid the pending key, or the newest deprecated one if no replacement could be made
 * @param retirement null: the key is out already
 */
export function replacedAtDeadline(manifest: Manifest, kid: string, retirement: Retirement | null, now: Now): Manifest {
  const { at } = now;
  const rollout: Switching = {
    kid,
    former: null,
    direction: 'forward',
    phase: 'switch',
    startedAt: manifest.rollout?.startedAt ?? at,
    forced: true,
    immediate: true,
    signersAnswered: false,
  };
  const switched = activated({ ...manifest, rollout }, kid, now);
  return retirement === null ? switched : retired(switched, retirement.kid, retirement.reason, at);
}

/** Every verifier was polled, or the deadline passed: they are checked again after `jwksMaxAge`. */
export function retirementRecheckOwed(manifest: Manifest, kid: string, checkAgainAt: Instant): Manifest {
  return {
    ...manifest,
    retirements: manifest.retirements.map((one) => (one.kid === kid ? { ...one, checkAgainAt } : one)),
  };
}

/** Verifiers were polled again: that settles it, unless somebody had asked again, and a stale copy may still be read. */
export function retirementRechecked(manifest: Manifest, kid: string, { at, policy }: Now): Manifest {
  const { droppedAt } = keyOf(manifest, kid);
  const due = droppedAt === null ? 0 : dropRecheckAt(droppedAt, null, policy);
  return at < due ? retirementRecheckOwed(manifest, kid, due) : retirementSettled(manifest, kid, at);
}

export function retirementSettled(manifest: Manifest, kid: string, at: Instant): Manifest {
  const retirements = manifest.retirements.filter((one) => one.kid !== kid);
  return note({ ...manifest, retirements }, { at, type: 'retirement-settled', kid });
}
