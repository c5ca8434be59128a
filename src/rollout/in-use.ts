import type { Manifest } from '../keyset/model.js';
import { activeKey } from '../keyset/projection.js';

/** Kids of the keys that sign, or whose tokens may live. */
export function kidsInUse({ keys }: Manifest): string[] {
  return keys.filter(({ state }) => state === 'active' || state === 'deprecated').map((key) => key.kid);
}

/** What a service that is reloaded must show, besides what it is reloaded for. */
export interface Besides {
  readonly signs?: string;
  readonly accepts: readonly string[];
}

/**
 * One that verifies and signs reads both anew in a reload, and either may be a stale copy: it must sign with the active
 * key and accept every key in use, whichever of the two it was reloaded for. In an incident only what it is about counts.
 */
export function besides(manifest: Manifest): Besides {
  if (manifest.retirements.length > 0) return { accepts: [] };
  const active = activeKey(manifest);
  // Before the switch is confirmed its own step reloads them.
  const isSettled = active !== null && manifest.rollout?.phase !== 'switch';
  return { ...(isSettled ? { signs: active.kid } : {}), accepts: kidsInUse(manifest) };
}
