import { untoldKids } from '../keyset/history/other-history.js';
import type { Manifest } from '../keyset/manifest/model.js';
import type { Block, Observations } from '../keyset/planning/action.js';
import type { History } from './history.js';

/*
 * What the planner is told when the store shows another history than this host knows.
 */

type Seen = { readonly history: History };

export function historySeen(
  { history: { other, memory } }: Seen,
  manifest: Manifest | null,
): Pick<Observations, 'otherHistory' | 'untold'> {
  if (other === null) return {};
  const untold = manifest === null ? [] : untoldKids(other, memory.known, manifest);
  return { otherHistory: true, ...(untold.length === 0 ? {} : { untold }) };
}

/**
 * Keys whose secrets stay for now. A store that fails, or names another pair by the kid, may have the key as active.
 * The secret may only go after a commit that retires the key.
 */
export function undeletable({ history }: Seen, manifest: Manifest | null): Block[] {
  const { other } = history;
  const isUnknown = other?.why === 'renamed' || (other?.why === 'damaged' && other.code === 'store-failed');
  return isUnknown ? (manifest?.retirements ?? []).map(({ kid }): Block => `key ${kid}`) : [];
}
