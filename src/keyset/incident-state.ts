import type { Duration, Instant } from './clock.js';
import type { Key, Manifest, Retirement, RetireReason } from './model.js';
import { activeKey } from './projection.js';

/** What `retire` was asked. */
export interface RetireRequest {
  readonly kid: string;
  readonly reason: RetireReason;
  /** Bounds the exposure. */
  readonly deadline: Duration;
  readonly noReplacement: boolean;
  readonly purge: boolean;
}

/**
 * True while a signer may still sign with this deprecated key: the switch away from it is not confirmed, whether it goes
 * on or was cut short because the key that it led to must leave too.
 */
export function isInUse(manifest: Manifest, key: Key): boolean {
  if (key.state !== 'deprecated' || key.signedUntil !== null) return false;
  return manifest.rollout?.phase === 'switch' || activeKeyBeingRetired(manifest) !== null;
}

export function hasPassed(retirement: Retirement, now: Instant): boolean {
  return now >= retirement.deadlineAt;
}

/** An incident's deadline has passed and its key may still be accepted: nothing waits for anything any more. */
export function isOverdue(manifest: Manifest, now: Instant): boolean {
  return manifest.retirements.some((one) => one.checkAgainAt === null && hasPassed(one, now));
}

export function isBeingRetired(manifest: Manifest, kid: string): boolean {
  return manifest.retirements.some((one) => one.kid === kid);
}

/** The key that must leave while it is the active one; null when there is none. */
export function activeKeyBeingRetired(manifest: Manifest): Retirement | null {
  const active = activeKey(manifest);
  return manifest.retirements.find((one) => one.kid === active?.kid) ?? null;
}

/** The earliest deadline of an incident under way; null without one. */
export function incidentDeadline(manifest: Manifest | null): Instant | null {
  const open = (manifest?.retirements ?? []).filter((one) => one.checkAgainAt === null);
  return open.length === 0 ? null : Math.min(...open.map((one) => one.deadlineAt));
}

/**
 * A key that could sign again in an incident: the newest deprecated one that is not itself on its way out, and only if
 * there is no other one that signers did not take.
 */
export function fallbackKey(manifest: Manifest): Key | null {
  const fit = manifest.keys.filter(
    (key) => key.state === 'deprecated' && key.hasPrivate && !isBeingRetired(manifest, key.kid),
  );
  const failed = (key: Key) => Number(key.reason === 'failed');
  return fit.sort((a, b) => failed(a) - failed(b) || b.version - a.version)[0] ?? null;
}
