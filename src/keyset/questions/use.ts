import type { Instant } from '../basics/clock.js';
import type { Policy } from '../basics/policy.js';
import type { Key } from '../manifest/key.js';

/** True for the active key, and for a deprecated one until the switch away from it is confirmed. */
export function mayBeSigning(key: Key): boolean {
  return key.state === 'active' || (key.state === 'deprecated' && key.signedUntil === null);
}

/** True if a signer may still use the key: an unpolled signer may use a former key for `signerMaxAge`. */
export function mayLagBehind(key: Key, policy: Pick<Policy, 'signerMaxAge' | 'clockSkew'>, now: Instant): boolean {
  if (key.state !== 'deprecated' || key.signedUntil === null) return mayBeSigning(key);
  return now < key.signedUntil + policy.signerMaxAge + policy.clockSkew;
}
