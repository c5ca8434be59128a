import type { Key } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import type { Holding } from './jwk-set.js';

/** What outlets on this host hold, and the retired keys that the run has fenced out of them. */
interface Seen {
  readonly holdings: readonly Holding[];
  readonly fenced?: ReadonlySet<string>;
}

/**
 * True if another run (a `sync`) may still publish an incident's key: it may have read an older manifest, though no
 * outlet holds the key yet. Holding each outlet's lock once rules that out: the other run then finds a higher revision
 * in the outlet's record.
 */
export function isUnfenced({ keys, retirements }: Manifest, { holdings, fenced }: Seen): boolean {
  if (holdings.length === 0) return false;
  return keys.some(
    (key) => isLeaving(key) && retirements.some(({ kid }) => kid === key.kid) && fenced?.has(key.kid) !== true,
  );
}

/** The value of `fenced` once each outlet was written, or found right, under its lock. */
export function fencedBy({ keys }: Manifest): ReadonlySet<string> {
  return new Set(keys.filter(isLeaving).map(({ kid }) => kid));
}

export function isLeaving(key: Key): boolean {
  return key.state === 'retired' && key.droppedAt === null;
}
