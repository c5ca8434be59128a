import { change } from './change.js';
import type { Instant } from './clock.js';
import { isInUse, type RetireRequest } from './incident-state.js';
import type { Key, Manifest, Retirement, Rollout } from './model.js';
import type { Policy } from './policy.js';
import { isPublished, type KeyState } from './states.js';
import { activated, keyOf, note, retired, withdrawn } from './transitions.js';

export {
  activeKeyBeingRetired,
  fallbackKey,
  hasPassed,
  incidentDeadline,
  isBeingRetired,
  isInUse,
  isOverdue,
  type RetireRequest,
} from './incident-state.js';

/*
 * What a commit can change about an incident (DESIGN.md, section 4, `retire`).
 */

/**
 * Records the request, in the commit that takes the lease, and does at once what needs no waiting: a key that nobody
 * signs with leaves the JWKS; a rollout that concerns the key is cancelled or redirected. Asked again, the deadline and
 * the options are those of the newest request.
 */
export function retirementRecorded(
  manifest: Manifest,
  request: RetireRequest,
  formerLeaseEnd: Instant,
  at: Instant,
): Manifest {
  const { deadline, ...rest } = request;
  const known = keyOf(manifest, request.kid);
  // Asked again after every verifier had dropped it: they are looked at once more, now.
  const checkAgainAt = known.droppedAt === null ? null : at;
  const record: Retirement = { ...rest, requestedAt: at, deadlineAt: at + deadline, checkAgainAt };
  const others = manifest.retirements.filter((one) => one.kid !== request.kid);
  const recorded = note(
    { ...manifest, retirements: [...others, record], backoff: null },
    at,
    'retire-requested',
    request.kid,
    request.reason,
  );
  const key = keyOf(recorded, request.kid);
  if (key.state === 'active') {
    return request.noReplacement ? retired(recorded, key.kid, request.reason, at) : redirected(recorded, key, at);
  }
  if (!isPublished(key.state) && key.state !== 'creating') return request.purge ? purgedNow(recorded, key) : recorded;
  if (isInUse(recorded, key)) return neverBackTo(recorded, key.kid);
  return withdrawn(recorded, key, request.reason, formerLeaseEnd, at);
}

/** Its deletion may have been ordered with a recovery window: it is ordered once more, without. */
function purgedNow(manifest: Manifest, key: Key): Manifest {
  return key.state === 'retired' ? change(manifest, key.kid, { goneAt: null }) : manifest;
}

/** The active key must go: the pending key takes its place, without `publishAhead`; without one, one is made. */
function redirected(manifest: Manifest, key: Key, at: Instant): Manifest {
  const inState = (state: KeyState) => manifest.keys.find((one) => one.state === state);
  const next = inState('pending') ?? inState('creating');
  if (next === undefined) return { ...manifest, rollout: null };
  const startedAt = manifest.rollout?.kid === next.kid ? manifest.rollout.startedAt : at;
  const redirect: Rollout = {
    kid: next.kid,
    former: null,
    direction: 'forward',
    phase: phaseOf(next),
    startedAt,
    forced: true,
    immediate: true,
    signersAnswered: false,
  };
  return note({ ...manifest, rollout: redirect }, at, 'redirected', key.kid);
}

function phaseOf(key: Key): Rollout['phase'] {
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
 * The deadline has passed: the replacement signs and the key is out of the JWKS, in one commit. `kid` is the pending
 * key, or, when no replacement could be made, the newest deprecated one.
 */
export function replacedAtDeadline(
  manifest: Manifest,
  kid: string,
  retirement: Retirement,
  policy: Policy,
  at: Instant,
): Manifest {
  const rollout: Rollout = {
    kid,
    former: null,
    direction: 'forward',
    phase: 'switch',
    startedAt: manifest.rollout?.startedAt ?? at,
    forced: true,
    immediate: true,
    signersAnswered: false,
  };
  const switched = activated({ ...manifest, rollout }, kid, policy, at);
  return retired(switched, retirement.kid, retirement.reason, at);
}

/** Every verifier was asked, or the time to ask is over: they are looked at once more after `jwksMaxAge`. */
export function retirementLookedAt(manifest: Manifest, kid: string, checkAgainAt: Instant): Manifest {
  return {
    ...manifest,
    retirements: manifest.retirements.map((one) => (one.kid === kid ? { ...one, checkAgainAt } : one)),
  };
}

export function retirementSettled(manifest: Manifest, kid: string, at: Instant): Manifest {
  const retirements = manifest.retirements.filter((one) => one.kid !== kid);
  return note({ ...manifest, retirements }, at, 'retirement-settled', kid);
}
