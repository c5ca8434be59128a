import { SECOND } from '../basics/clock.js';
import { isJsonObject, type Json } from '../basics/foreign-json.js';
import type { Manifest } from '../manifest/model.js';
import { activeKey } from '../questions/keys.js';

/** What a delivered JWK tells its signer, in the member `jwtrot`. */
export interface Told {
  readonly keyset: string;
  /** Seconds, as all times in tokens: the longest life of a token that this key signs. */
  readonly maxTokenTtl: number;
}

/** What the key to deliver must tell; null: there is none. */
export function wantedTold(manifest: Manifest): Told | null {
  const active = activeKey(manifest);
  return active && { keyset: manifest.name, maxTokenTtl: Math.floor(active.maxTokenTtl / SECOND) };
}

/** Null: it is not what jwtrot writes. A JWK of jwtrot 0.1.0 has no such member. */
export function toldIn(json: Json): Told | null {
  if (!isJsonObject(json) || Object.keys(json).join() !== 'keyset,maxTokenTtl') return null;
  const { keyset, maxTokenTtl } = json;
  return typeof keyset === 'string' && typeof maxTokenTtl === 'number' ? { keyset, maxTokenTtl } : null;
}

export function sameTold(a: Told | null, b: Told | null): boolean {
  return a?.keyset === b?.keyset && a?.maxTokenTtl === b?.maxTokenTtl;
}
