import { change, changeRollout, countedFrom, keyOf, longest, move, note, type TokenLife } from './change.js';
import type { Duration, Instant } from './clock.js';
import { DAY, HOUR } from './clock.js';
import { JwtrotError } from './error.js';
import type { Backoff, Key, Manifest, Rollout } from './model.js';
import type { Policy } from './policy.js';
import { activeKey } from './projection.js';

/*
 * Which key signs: the switch, its confirmation, the way back, and how failed attempts hold off the next.
 */

function deprecate(manifest: Manifest, key: Key, policy: TokenLife, at: Instant): Manifest {
  return move(manifest, key.kid, 'deprecated', { deprecatedAt: at, signedUntil: null, ...longest(key, policy) });
}

function makeActive(manifest: Manifest, kid: string, policy: TokenLife, at: Instant): Manifest {
  const key = keyOf(manifest, kid);
  return move(manifest, kid, 'active', {
    activatedAt: at,
    signedFrom: key.signedFrom ?? at,
    signedUntil: null,
    deprecatedAt: null,
    reason: null,
    ...longest(key, policy),
  });
}

/** The switch: one atomic commit. */
export function activated(
  manifest: Manifest,
  kid: string,
  policy: TokenLife,
  at: Instant,
  signersAnswered = false,
): Manifest {
  const active = activeKey(manifest);
  const before = active === null ? manifest : deprecate(manifest, active, policy, at);
  const switched = changeRollout(makeActive(before, kid, policy, at), { phase: 'switch', signersAnswered });
  return note(switched, at, 'activated', kid);
}

/** Every signer confirmed the active key: the clock of the keys before it starts. Not before the end of the last reload. */
export function signersConfirmed(
  manifest: Manifest,
  policy: TokenLife,
  reloadsUntil: Instant | null,
  at: Instant,
): Manifest {
  const until = Math.max(countedFrom(manifest, at), reloadsUntil ?? 0);
  const settled = { ...ended(manifest, policy, until), rollout: null, signersOwed: false };
  // A rollback ends a failed attempt: its back-off stays.
  const backoff = manifest.rollout?.direction === 'back' ? manifest.backoff : null;
  return note({ ...settled, backoff }, at, 'signers-confirmed', activeKey(manifest)?.kid ?? null);
}

/**
 * Every signer confirmed the active key, but a reload that was ordered before it was delivered may still be under way and
 * bring a former key back, or one had gone back by itself. So the clock of the keys before it starts only when signers
 * have been looked at once more.
 */
export function signersConfirmedForNow(manifest: Manifest, at: Instant): Manifest {
  const backoff = manifest.rollout?.direction === 'back' ? manifest.backoff : null;
  const kid = activeKey(manifest)?.kid ?? null;
  return note(
    { ...manifest, rollout: null, backoff, signersOwed: true },
    at,
    'signers-confirmed',
    kid,
    'an earlier reload is under way',
  );
}

/** Signers were looked at once more, and nothing could bring a former key back: the clock of those before it starts. */
export function clocksStarted(manifest: Manifest, policy: TokenLife, at: Instant): Manifest {
  const next = { ...ended(manifest, policy, countedFrom(manifest, at)), signersOwed: false };
  return note(next, at, 'signers-confirmed', activeKey(manifest)?.kid ?? null);
}

function ended(manifest: Manifest, policy: TokenLife, signedUntil: Instant): Manifest {
  const keys = manifest.keys.map((key) =>
    key.state === 'deprecated' && mayBeSigning(key) ? { ...key, ...longest(key, policy), signedUntil } : key,
  );
  return { ...manifest, keys };
}

/** Back to the former key. Final: the direction never turns again. @throws JwtrotError `nothing-to-roll-back` */
export function rolledBack(manifest: Manifest, policy: TokenLife, because: string, at: Instant): Manifest {
  const current = manifest.rollout;
  const active = activeKey(manifest);
  // Before the switch the former key still signs: there is nothing to take back.
  if (current?.former == null || current.phase !== 'switch' || active === null) {
    throw new JwtrotError(
      'refused',
      'nothing-to-roll-back',
      `keyset ${manifest.name} has no former key to go back to; nothing was changed`,
    );
  }
  return turnedBack(manifest, active, current.former, policy, because, at);
}

/** The former key signs again. The one that signed until now has failed: it verifies on, until its last token expires. */
export function turnedBack(
  manifest: Manifest,
  active: Key,
  former: string,
  policy: TokenLife,
  because: string,
  at: Instant,
): Manifest {
  const off = change(deprecate(manifest, active, policy, at), active.kid, { reason: 'failed' });
  const begun = manifest.rollout ?? { startedAt: at, forced: false, immediate: false };
  const rollout: Rollout = {
    ...begun,
    kid: active.kid,
    former,
    direction: 'back',
    phase: 'switch',
    signersAnswered: false,
  };
  return note({ ...makeActive(off, former, policy, at), rollout }, at, 'rolled-back', active.kid, because);
}

/** The active key, or one that no switch away from is confirmed yet. */
export function mayBeSigning(key: Key): boolean {
  return key.state === 'active' || (key.state === 'deprecated' && key.signedUntil === null);
}

/** For all that is known: a signer that is not polled may go on using the former key for `signerMaxAge`. */
export function mayLagBehind(key: Key, policy: Pick<Policy, 'signerMaxAge' | 'clockSkew'>, now: Instant): boolean {
  if (key.state !== 'deprecated' || key.signedUntil === null) return mayBeSigning(key);
  return now < key.signedUntil + policy.signerMaxAge + policy.clockSkew;
}

/** The policy that is in force now, for every key that may sign under it. */
export function policyRecorded(
  manifest: Manifest,
  kid: string,
  policy: TokenLife & Pick<Policy, 'signerMaxAge' | 'clockSkew'>,
  at: Instant,
): Manifest {
  const keys = manifest.keys.map((key) => (mayLagBehind(key, policy, at) ? { ...key, ...longest(key, policy) } : key));
  return note({ ...manifest, keys }, at, 'policy-recorded', kid);
}

/** 1 h after the first failure in a row, doubling to 24 h. */
function waitAfter(failures: number): Duration {
  return Math.min(DAY, HOUR * 2 ** Math.min(failures - 1, 10));
}

/** After a failed attempt the next one waits. */
export function backedOff(manifest: Manifest, because: string, at: Instant): Manifest {
  const failures = (manifest.backoff?.failures ?? 0) + 1;
  const backoff = { failures, until: at + waitAfter(failures), because: because.slice(0, 400) };
  return note({ ...manifest, backoff }, at, 'backed-off');
}

/** A run has seen how signers took the new key: what is amiss with them later is not known to be its doing. */
export function signersUnconfirmed(manifest: Manifest, because: string, at: Instant): Manifest {
  return changeRollout(backedOff(manifest, because, at), { signersAnswered: false });
}

/** When the failure happened that a back-off follows. */
export function failedAt(backoff: Backoff): Instant {
  return backoff.until - waitAfter(backoff.failures);
}
