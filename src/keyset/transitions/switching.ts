import type { Instant } from '../basics/clock.js';
import { JwtrotError } from '../basics/error.js';
import type { Policy } from '../basics/policy.js';
import type { ActiveKey, DeprecatedKey, Key } from '../manifest/key.js';
import type { GoingBack, Manifest } from '../manifest/model.js';
import { waitAfter } from '../questions/backoff.js';
import { activeKey } from '../questions/keys.js';
import { outOfUseFrom } from '../questions/slow-reload.js';
import { mayBeSigning, mayLagBehind } from '../questions/use.js';
import { countedFrom, keyBefore, keyOf, longest, type Now, note, type TokenLife, withKey } from './change.js';

/*
 * Decides which key signs: the switch, its confirmation, the rollback, and the back-off after failures.
 */

function deprecated(key: ActiveKey, { at, policy }: Now<TokenLife>): DeprecatedKey {
  return { ...key, ...longest(key, policy), state: 'deprecated', deprecatedAt: at };
}

/** @throws JwtrotError `illegal-move` */
function makeActive(manifest: Manifest, kid: string, { at, policy }: Now<TokenLife>): Manifest {
  const key = keyBefore(manifest, kid, 'active');
  if (!key.hasPrivate) {
    const message = `key ${kid} cannot become active without a private half; nothing was changed`;
    throw new JwtrotError('refused', 'illegal-move', message);
  }
  return withKey(manifest, {
    ...key,
    ...longest(key, policy),
    state: 'active',
    hasPrivate: true,
    activatedAt: at,
    signedFrom: key.signedFrom ?? at,
    signedUntil: null,
    deprecatedAt: null,
    reason: null,
  });
}

/** The switch: one atomic commit. */
export function activated(manifest: Manifest, kid: string, now: Now<TokenLife>, signersAnswered = false): Manifest {
  const active = activeKey(manifest);
  const before = active === null ? manifest : withKey(manifest, deprecated(active, now));
  const switched = makeActive(before, kid, now);
  const step = { direction: 'forward', phase: 'switch', signersAnswered } as const;
  return note(
    { ...switched, rollout: manifest.rollout && { ...manifest.rollout, ...step } },
    { at: now.at, type: 'activated', kid },
  );
}

/** Every signer confirmed the active key: starts the clocks of former keys, but not before the last reload ends. */
export function signersConfirmed(
  manifest: Manifest,
  { at, policy }: Now<TokenLife>,
  reloadsUntil: Instant | null,
): Manifest {
  const until = outOfUseFrom(countedFrom(manifest, at), reloadsUntil);
  const settled = { ...ended(manifest, policy, until), rollout: null, signersOwed: false };
  // A rollback ends a failed attempt, so its back-off stays.
  const backoff = manifest.rollout?.direction === 'back' ? manifest.backoff : null;
  return note({ ...settled, backoff }, { at, type: 'signers-confirmed', kid: activeKey(manifest)?.kid ?? null });
}

/**
 * Every signer confirmed the active key. But an earlier reload may still bring a former key back, or a signer went back
 * by itself. So the clocks of the keys before it wait until signers have been checked again.
 */
export function signersConfirmedForNow(manifest: Manifest, at: Instant): Manifest {
  const backoff = manifest.rollout?.direction === 'back' ? manifest.backoff : null;
  const kid = activeKey(manifest)?.kid ?? null;
  return note(
    { ...manifest, rollout: null, backoff, signersOwed: true },
    { at, type: 'signers-confirmed', kid, detail: 'an earlier reload is under way' },
  );
}

/** Signers were checked again and nothing can bring a former key back: starts the clocks of former keys. */
export function clocksStarted(manifest: Manifest, { at, policy }: Now<TokenLife>): Manifest {
  const next = { ...ended(manifest, policy, countedFrom(manifest, at)), signersOwed: false };
  return note(next, { at, type: 'signers-confirmed', kid: activeKey(manifest)?.kid ?? null });
}

function ended(manifest: Manifest, policy: TokenLife, signedUntil: Instant): Manifest {
  const keys = manifest.keys.map((key) =>
    key.state === 'deprecated' && mayBeSigning(key) ? { ...key, ...longest(key, policy), signedUntil } : key,
  );
  return { ...manifest, keys };
}

/** Goes back to the former key. Final: the direction never turns again. @throws JwtrotError `nothing-to-roll-back` */
export function rolledBack(manifest: Manifest, now: Now<TokenLife>, because: string): Manifest {
  const current = manifest.rollout;
  const active = activeKey(manifest);
  // Before the switch the former key still signs, so there is nothing to undo.
  if (current?.former == null || current.phase !== 'switch' || active === null) {
    throw new JwtrotError(
      'refused',
      'nothing-to-roll-back',
      `keyset ${manifest.name} has no former key to go back to; nothing was changed`,
    );
  }
  return turnedBack(manifest, { from: active, to: keyOf(manifest, current.former) }, now, because);
}

/** Activates the former key again. The other has failed, and verifies until its last token expires. */
export function turnedBack(
  manifest: Manifest,
  { from, to }: { readonly from: ActiveKey; readonly to: Key },
  now: Now<TokenLife>,
  because: string,
): Manifest {
  const { at } = now;
  const off = withKey(manifest, { ...deprecated(from, now), reason: 'failed' });
  const begun = manifest.rollout ?? { startedAt: at, forced: false, immediate: false };
  const rollout: GoingBack = {
    ...begun,
    kid: from.kid,
    former: to.kid,
    direction: 'back',
    phase: 'switch',
    signersAnswered: false,
  };
  return note(
    { ...makeActive(off, to.kid, now), rollout },
    { at, type: 'rolled-back', kid: from.kid, detail: because },
  );
}

/** Applies the policy in force to every key that may sign under it. */
export function policyRecorded(
  manifest: Manifest,
  kid: string,
  { at, policy }: Now<TokenLife & Pick<Policy, 'signerMaxAge' | 'clockSkew'>>,
): Manifest {
  const keys = manifest.keys.map((key) => (mayLagBehind(key, policy, at) ? { ...key, ...longest(key, policy) } : key));
  return note({ ...manifest, keys }, { at, type: 'policy-recorded', kid });
}

/** Delays the next attempt after a failure. */
export function backedOff(manifest: Manifest, because: string, at: Instant): Manifest {
  const failures = (manifest.backoff?.failures ?? 0) + 1;
  const backoff = { failures, until: at + waitAfter(failures), because: because.slice(0, 400) };
  return note({ ...manifest, backoff }, { at, type: 'backed-off' });
}

/** A run has seen how signers took the new key. From now on a failing signer is not blamed on the key. */
export function signersUnconfirmed(manifest: Manifest, because: string, at: Instant): Manifest {
  const { rollout } = manifest;
  return { ...backedOff(manifest, because, at), rollout: rollout && { ...rollout, signersAnswered: false } };
}
