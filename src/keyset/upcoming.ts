import type { Upcoming } from './action.js';
import type { Instant } from './clock.js';
import { activateDueAt, isBackingOff, isRolloutHeld, lookDue, signersDueAt, stageDueAt, verifiesUntil } from './due.js';
import type { Manifest } from './model.js';
import type { Policy } from './policy.js';
import { activeKey } from './projection.js';

/** What comes next and when, for `status`. Null: nothing is foreseen. */
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
  const candidates = [...rolloutNext(manifest, policy), ...looksNext(manifest, policy), ...keysNext(manifest, policy)];
  return candidates.sort((a, b) => (a.at ?? 0) - (b.at ?? 0))[0] ?? null;
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
    const at = activateDueAt(manifest, key, policy);
    return [
      { action: 'activate', at, kid: key.kid, reason: 'publishAhead ends and the active key reaches rotateEvery' },
    ];
  }
  const awaited = {
    store: 'its secret',
    publish: 'outlets',
    verify: 'verifiers',
    ahead: 'publishAhead',
    switch: 'signers',
  };
  const who = rollout.direction === 'back' ? 'the way back' : 'a rollout';
  return [{ action: 'confirm', at: null, kid: rollout.kid, reason: `${who} waits for ${awaited[rollout.phase]}` }];
}

/** Services are looked at once more, when nothing that was under way can change what they hold. */
function looksNext(manifest: Manifest, policy: Policy): Upcoming[] {
  const active = activeKey(manifest);
  if (active === null || manifest.rollout?.phase === 'switch') return [];
  const look = (at: Instant, reason: string, { kid } = active): Upcoming => ({ action: 'confirm', at, kid, reason });
  const late = lookDue(manifest, active, policy);
  return [
    look(
      signersDueAt(manifest, active),
      'signers are looked at once more: a slow reload may bring the former key back',
    ),
    look(late.at, 'verifiers are looked at once more: one may have read an old copy', late.key),
  ].filter(({ at }) => Number.isFinite(at));
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
