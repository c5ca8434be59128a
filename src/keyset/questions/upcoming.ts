import type { Instant } from '../basics/clock.js';
import { formatDuration } from '../basics/duration.js';
import type { Policy } from '../basics/policy.js';
import type { Key } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import { isBackingOff, isRolloutHeld } from './backoff.js';
import { type ActivationTerm, activateDueAt, activation, recheckDue, stageDueAt, verifiesUntil } from './due.js';
import { activeKey } from './keys.js';
import { signersRecheckAt } from './slow-reload.js';

/** Something that falls due, for `status`. */
export interface Upcoming {
  readonly action: 'stage' | 'activate' | 'retire' | 'destroy' | 'confirm' | 'retry' | 'rotate';
  readonly at: Instant | null;
  readonly kid: string | null;
  readonly reason: string;
}

/** The next thing to fall due, for `status`; null: nothing is foreseen. */
export function upcoming(manifest: Manifest, policy: Policy, now: Instant): Upcoming | null {
  const { rollout } = manifest;
  if (isBackingOff(manifest, now) && (rollout === null || isRolloutHeld(manifest, rollout, now))) {
    return {
      action: 'retry',
      at: manifest.backoff?.until ?? null,
      kid: rollout?.kid ?? null,
      reason: `backing off: ${manifest.backoff?.because}`,
    };
  }
  return candidatesOf(manifest, policy).sort((a, b) => (a.at ?? 0) - (b.at ?? 0))[0] ?? null;
}

function candidatesOf(manifest: Manifest, policy: Policy): Upcoming[] {
  return [...rolloutNext(manifest, policy), ...looksNext(manifest, policy), ...keysNext(manifest, policy)];
}

function rolloutNext(manifest: Manifest, policy: Policy): Upcoming[] {
  const { rollout } = manifest;
  const active = activeKey(manifest);
  if (rollout === null) {
    if (active === null) return [{ action: 'rotate', at: null, kid: null, reason: 'no key is active' }];
    const at = stageDueAt(active, policy);
    return [{ action: 'stage', at, kid: null, reason: 'the active key reaches rotateEvery - publishAhead' }];
  }
  const key = manifest.keys.find((one) => one.kid === rollout.kid);
  if (rollout.phase === 'ahead' && key !== undefined) {
    const { at, term } = activation(manifest, key, policy);
    return [{ action: 'activate', at, kid: key.kid, reason: activationReason(term, policy) }];
  }
  const awaited = {
    store: 'its secret',
    publish: 'outlets',
    verify: 'verifiers',
    ahead: 'publishAhead',
    switch: 'signers',
  };
  // In either direction, signers are moving to the active key.
  const kid = rollout.phase === 'switch' ? (active?.kid ?? rollout.kid) : rollout.kid;
  const who = rollout.direction === 'back' ? 'the way back' : 'a rollout';
  return [{ action: 'confirm', at: null, kid, reason: `${who} waits for ${awaited[rollout.phase]}` }];
}

/** Says what the pending key waits for the longest, with the sum if there is one. */
export function activationReason(term: ActivationTerm, policy: Policy): string {
  switch (term) {
    case 'gate':
      return 'every verifier accepts it';
    case 'publishAhead':
      return `publishAhead ${formatDuration(policy.publishAhead)} ends`;
    case 'rotateEvery':
      return 'the active key reaches rotateEvery';
    case 'copies': {
      const { jwksMaxAge, clockSkew, slowestReload } = policy;
      const [age, skew, reload] = [jwksMaxAge, clockSkew, slowestReload].map(formatDuration);
      return `no older JWKS is left: jwksMaxAge ${age} + clockSkew ${skew} + slowest verifier reload ${reload}`;
    }
  }
}

/** The next thing to fall due for one key; null: nothing is foreseen. */
export function upcomingOf(manifest: Manifest, policy: Policy, key: Key, now: Instant): Upcoming | null {
  const isMine = ({ kid }: Upcoming) => kid === key.kid || (kid === null && key.state === 'active');
  const first = upcoming(manifest, policy, now);
  if (first?.action === 'retry' && isMine(first)) return first;
  const mine = candidatesOf(manifest, policy).filter(isMine);
  const [next] = mine.sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
  return next ?? (key.state === 'active' ? replacement(manifest, policy) : null);
}

/** While another key is rolled out: when it replaces the active key. */
function replacement(manifest: Manifest, policy: Policy): Upcoming | null {
  const next = manifest.keys.find((key) => key.kid === manifest.rollout?.kid && key.state !== 'active');
  if (next === undefined || manifest.rollout?.phase === 'switch') return null;
  const at = activateDueAt(manifest, next, policy);
  const reason = `v${next.version} takes its place`;
  return { action: 'activate', at: Number.isFinite(at) ? at : null, kid: next.kid, reason };
}

/** Rechecks of services, once nothing under way can change what they hold. */
function looksNext(manifest: Manifest, policy: Policy): Upcoming[] {
  const active = activeKey(manifest);
  if (active === null || manifest.rollout?.phase === 'switch') return [];
  const look = (at: Instant, reason: string, kid = active.kid): Upcoming => ({
    action: 'confirm',
    at: afterBackoff(at, manifest),
    kid,
    reason,
  });
  const late = recheckDue(manifest, active, policy);
  return [
    look(
      signersRecheckAt(manifest, active),
      'signers are looked at once more: a slow reload may bring the former key back',
    ),
    look(late.at, 'verifiers are looked at once more: one may have read an old copy', late.key.kid),
    look(
      manifest.verifiersOwedAt ?? Number.POSITIVE_INFINITY,
      'verifiers are looked at once more: one may have read what somebody else had published',
    ),
  ].filter(({ at }) => Number.isFinite(at));
}

/** While attempts back off nobody is looked at. Infinity stays. */
export function afterBackoff(at: Instant, { backoff }: Pick<Manifest, 'backoff'>): Instant {
  return Math.max(at, backoff?.until ?? 0);
}

function keysNext(manifest: Manifest, policy: Policy): Upcoming[] {
  return manifest.keys.flatMap((key): Upcoming[] => {
    if (key.state === 'deprecated' && key.signedUntil !== null) {
      return [{ action: 'retire', at: verifiesUntil(key, policy), kid: key.kid, reason: 'its last token has expired' }];
    }
    if (key.state === 'retired' && key.droppedAt === null) {
      return [{ action: 'confirm', at: null, kid: key.kid, reason: 'verifiers have yet to drop it' }];
    }
    const again = manifest.retirements.find((one) => one.kid === key.kid)?.checkAgainAt;
    if (again != null) {
      return [{ action: 'confirm', at: again, kid: key.kid, reason: 'verifiers are looked at once more' }];
    }
    if (key.state === 'retired' && key.goneAt !== null) {
      return [{ action: 'destroy', at: key.goneAt, kid: key.kid, reason: 'the recovery window ends' }];
    }
    return [];
  });
}
