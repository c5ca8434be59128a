import type { Manifest } from '../keyset/manifest/model.js';
import { isRetired } from '../keyset/manifest/states.js';
import { activeKey } from '../keyset/questions/keys.js';
import { isIncident } from '../keyset/questions/open-incidents.js';

/** Kids of keys that sign, or whose tokens may still be valid. */
export function kidsInUse({ keys }: Manifest): string[] {
  return keys.filter(({ state }) => state === 'active' || state === 'deprecated').map((key) => key.kid);
}

/** Kids of compromised keys, destroyed ones included: nobody may accept them any more. */
export function compromisedKids({ keys }: Manifest): string[] {
  return keys.filter((key) => isRetired(key) && key.reason === 'compromised').map((key) => key.kid);
}

/** What a service that is reloaded must show, besides what it is reloaded for. */
export interface Besides {
  readonly signs?: string;
  readonly accepts: readonly string[];
}

/**
 * A service that signs and verifies reads its key and the JWKS anew in a reload, and either may be a stale copy.
 * Whatever it was reloaded for, it must sign with the active key and accept every key in use. An incident asks neither.
 */
export function besides(manifest: Manifest): Besides {
  if (isIncident(manifest)) return { accepts: [] };
  const active = activeKey(manifest);
  // During a switch, the switch's own step reloads signers.
  const isSettled = active !== null && manifest.rollout?.phase !== 'switch';
  return { ...(isSettled ? { signs: active.kid } : {}), accepts: kidsInUse(manifest) };
}
