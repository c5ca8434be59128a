import type { Duration, Instant } from './clock.js';
import type { Key, Manifest, Retirement, RetireReason, Rollout } from './model.js';
import type { Policy } from './policy.js';
import { activeKey } from './projection.js';
import { isPublished } from './states.js';
import { activated, keyOf, note, retired } from './transitions.js';

/** What `retire` was asked. */
export interface RetireRequest {
  readonly kid: string;
  readonly reason: RetireReason;
  /** Bounds the exposure. */
  readonly deadline: Duration;
  readonly noReplacement: boolean;
  readonly purge: boolean;
}

/** True while a signer may still sign with this deprecated key: the switch away from it is not confirmed. */
export function isInUse(manifest: Manifest, key: Key): boolean {
  return key.state === 'deprecated' && manifest.rollout?.phase === 'switch' && key.signedUntil === null;
}

export function isBeingRetired(manifest: Manifest, kid: string): boolean {
  return manifest.retirements.some((one) => one.kid === kid);
}

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
  if (!isPublished(key.state) && key.state !== 'creating') return recorded;
  if (isInUse(recorded, key)) return neverBackTo(recorded, key.kid);
  const gone = retired(recorded, key.kid, request.reason, at);
  if (key.state !== 'creating') return gone;
  // Its put may still be in flight.
  const keys = gone.keys.map((one) => (one.kid === key.kid ? { ...one, deleteAgainAt: formerLeaseEnd } : one));
  return { ...gone, keys };
}

/** The active key must go: the pending key takes its place, without `publishAhead`; without one, one is made. */
function redirected(manifest: Manifest, key: Key, at: Instant): Manifest {
  const next = manifest.keys.find((one) => one.state === 'pending' || one.state === 'creating');
  if (next === undefined) return { ...manifest, rollout: null };
  const phase: Rollout['phase'] =
    next.state === 'creating'
      ? 'store'
      : next.publishedAt === null
        ? 'publish'
        : next.confirmedAt === null
          ? 'verify'
          : 'ahead';
  const startedAt = manifest.rollout?.kid === next.kid ? manifest.rollout.startedAt : at;
  const redirect: Rollout = {
    kid: next.kid,
    former: null,
    direction: 'forward',
    phase,
    startedAt,
    forced: true,
    immediate: true,
  };
  return note({ ...manifest, rollout: redirect }, at, 'redirected', key.kid);
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
  };
  const switched = activated({ ...manifest, rollout }, kid, policy, at);
  return retired(switched, retirement.kid, retirement.reason, at);
}

/** The earliest deadline of an incident under way; null without one. */
export function incidentDeadline(manifest: Manifest | null): Instant | null {
  const open = (manifest?.retirements ?? []).filter((one) => one.checkAgainAt === null);
  return open.length === 0 ? null : Math.min(...open.map((one) => one.deadlineAt));
}

/** A key that could sign again in an incident: the newest deprecated one that is not itself on its way out. */
export function fallbackKey(manifest: Manifest): Key | null {
  const fit = manifest.keys.filter(
    (key) => key.state === 'deprecated' && key.hasPrivate && !isBeingRetired(manifest, key.kid),
  );
  return fit.sort((a, b) => b.version - a.version)[0] ?? null;
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

/** The key that must leave while it is the active one; null when there is none. */
export function activeKeyBeingRetired(manifest: Manifest): Retirement | null {
  const active = activeKey(manifest);
  return manifest.retirements.find((one) => one.kid === active?.kid) ?? null;
}
