import type { Instant } from '../basics/clock.js';
import type { Policy } from '../basics/policy.js';
import type { ActiveKey } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';

/*
 * A slow reload may bring the old key back. A service reads its key when its reload begins, and uses it when the reload ends.
 * In between, a run may rewrite the file, reload the other services and see the new key everywhere:
 *
 *   earlier run   orders a reload
 *   service       reads the old key ......................... serves with the old key (nobody looks any more)
 *   this run               delivers the new key, polls: new      |
 *   time          ---------|-------------------------|-----------|---------------|-->
 *                          asked                     confirmed                   reloadsUntil
 *
 * `reloadsUntil`, in the manifest, is when the time limit of every reload ordered so far is over. Until then no confirmation
 * counts for good. Each rule that follows from this is below; `rollout/tenure.ts` keeps the time.
 */

/** A signer that confirmed at `asked` or later may still go back to a former key. @param earlier the limit of reloads ordered before */
export function mayGoBack(earlier: Instant | null, asked: Instant): boolean {
  return (earlier ?? 0) > asked;
}

/** From when a former key was certainly out of use: signers confirmed the new one at `confirmed`. */
export function outOfUseFrom(confirmed: Instant, reloadsUntil: Instant | null): Instant {
  return Math.max(confirmed, reloadsUntil ?? 0);
}

/** No reload ordered before the switch can read the new key. */
export function isQuietSince(
  reloadsUntil: Instant | null,
  activatedAt: Instant,
  { clockSkew }: Pick<Policy, 'clockSkew'>,
): boolean {
  return (reloadsUntil ?? 0) + clockSkew < activatedAt;
}

/** When a drop that was seen at `at` is rechecked: a signer's slow reload, or a verifier's stale copy, may bring the key back. */
export function dropRecheckAt(
  at: Instant,
  reloadsUntil: Instant | null,
  { jwksMaxAge, clockSkew }: Pick<Policy, 'jwksMaxAge' | 'clockSkew'>,
): Instant {
  return Math.max(at + jwksMaxAge, reloadsUntil ?? 0) + clockSkew;
}

/**
 * When signers are rechecked. They confirmed while a reload was under way that could bring a former key back, so that key's
 * clock has not started; if the active key is the first, such a reload could leave a signer without a key. While a lease is
 * held, the manifest's `reloadsUntil` is about that run alone.
 * @returns infinity: no recheck is owed
 */
export function signersRecheckAt({ keys, lease, reloadsUntil, signersOwed }: Manifest, active: ActiveKey): Instant {
  const isOwed = signersOwed || keys.some((key) => key.state === 'deprecated' && key.signedUntil === null);
  if (!isOwed) return Number.POSITIVE_INFINITY;
  return lease === null ? (reloadsUntil ?? 0) : active.activatedAt + (lease.until - lease.since);
}
