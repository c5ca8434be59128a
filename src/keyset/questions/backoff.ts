import { DAY, type Duration, HOUR, type Instant } from '../basics/clock.js';
import type { Backoff, Manifest, Rollout } from '../manifest/model.js';
import { activeKey } from './keys.js';

/** The wait after that many failures in a row: 1 h after the first, doubling up to 24 h. */
export function waitAfter(failures: number): Duration {
  return Math.min(DAY, HOUR * 2 ** Math.min(failures - 1, 10));
}

/** When the failure that began the back-off happened. */
export function failedAt(backoff: Backoff): Instant {
  return backoff.until - waitAfter(backoff.failures);
}

export function isBackingOff(manifest: Manifest, now: Instant): boolean {
  return manifest.backoff !== null && now < manifest.backoff.until;
}

/** A rollback begins with the failure that began the back-off: it is held only if it failed itself since. */
export function isRolloutHeld(manifest: Manifest, { direction }: Rollout, now: Instant): boolean {
  const { backoff } = manifest;
  if (backoff === null || !isBackingOff(manifest, now)) return false;
  return direction === 'forward' || failedAt(backoff) > (activeKey(manifest)?.activatedAt ?? 0);
}
