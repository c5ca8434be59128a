import type { Duration, Instant } from '../basics/clock.js';
import type { Key, LeakedKey, RetireReason } from '../manifest/key.js';
import type { Manifest, Retirement } from '../manifest/model.js';
import { activeKey } from './keys.js';

/** A `retire` request. */
export interface RetireRequest {
  readonly kid: string;
  readonly reason: RetireReason;
  /** How long the key may stay in the JWKS while others are awaited, in milliseconds. Bounds the exposure. */
  readonly deadline: Duration;
  readonly noReplacement: boolean;
  readonly purge: boolean;
  /** The key itself if the manifest does not know it. It enters as retired. */
  readonly stray?: LeakedKey;
  /**
   * Only outlets give the stray this name, and anybody may have written there. A manifest that knows the kid or the
   * pair overrides it. Absent: this host vouches for the name.
   */
  readonly isUnsure?: true;
  /** Other pairs under the kid in outlets that can't be told from it: they are retired, too. Absent: none. */
  readonly also?: readonly LeakedKey[];
}

/**
 * True while a signer may still sign with this deprecated key: the switch away from it is not confirmed. The switch may
 * still run, or ended early because its target must leave too.
 */
export function isInUse(manifest: Manifest, key: Key): boolean {
  if (key.state !== 'deprecated' || key.signedUntil !== null) return false;
  return manifest.rollout?.phase === 'switch' || activeKeyBeingRetired(manifest) !== null;
}

export function hasPassed(retirement: Retirement, now: Instant): boolean {
  return now >= retirement.deadlineAt;
}

/** An incident's deadline has passed and its key may still be accepted. Nothing waits any more. */
export function isOverdue(manifest: Manifest, now: Instant): boolean {
  return manifest.retirements.some((one) => one.checkAgainAt === null && hasPassed(one, now));
}

export function isBeingRetired(manifest: Manifest, kid: string): boolean {
  return manifest.retirements.some((one) => one.kid === kid);
}

/** The retirement of the active key; null if there is none. */
export function activeKeyBeingRetired(manifest: Manifest): Retirement | null {
  const active = activeKey(manifest);
  return manifest.retirements.find((one) => one.kid === active?.kid) ?? null;
}

/** The earliest deadline of an open incident; null without one. */
export function incidentDeadline(manifest: Manifest | null): Instant | null {
  const open = (manifest?.retirements ?? []).filter((one) => one.checkAgainAt === null);
  return open.length === 0 ? null : Math.min(...open.map((one) => one.deadlineAt));
}

/**
 * Until when verifiers are awaited if no key signs: the latest deadline of an open incident; null without one. The leaked
 * keys have left the JWKS, so nobody is exposed for longer by waiting.
 */
export function latestDeadline({ retirements }: Manifest): Instant | null {
  const open = retirements.filter((one) => one.checkAgainAt === null);
  return open.length === 0 ? null : Math.max(...open.map((one) => one.deadlineAt));
}

/**
 * A key that can sign again in an incident: the newest deprecated one that is not being retired. One that signers did
 * not take is the last choice.
 */
export function fallbackKey(manifest: Manifest): Key | null {
  const fit = manifest.keys.filter(
    (key) => key.state === 'deprecated' && key.hasPrivate && !isBeingRetired(manifest, key.kid),
  );
  const failed = (key: Key) => Number(key.reason === 'failed');
  return fit.sort((a, b) => failed(a) - failed(b) || b.version - a.version)[0] ?? null;
}
