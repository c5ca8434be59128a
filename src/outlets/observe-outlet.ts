import type { Duration } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { OutletSaid } from '../keyset/history/other-history.js';
import type { Holding } from '../keyset/published/jwk-set.js';
import { TIME_TO_END } from './limits.js';
import type { HeldKey, KeyInOutlet } from './outlet.js';
import type { Reachable } from './place.js';
import { outletProblem } from './problem.js';
import { readOutletRecord } from './record.js';
import { type Sight, UNREADABLE } from './sight.js';
import { holdingOf, pathOf } from './target.js';

/** The command that is asked keeps `limit` by itself, unless it is slow to end. */
export function lookTime({ isCommand }: Pick<Reachable['target'], 'isCommand'>, limit: Duration): Duration {
  return limit + (isCommand ? TIME_TO_END : 0);
}

/** Observes an outlet by its path. Never rejects: `problem` says why its keys can't be told. */
export async function observeWithin(
  { target, reach }: Reachable,
  limit: Duration,
): Promise<{ sight: Sight; problem: string | null }> {
  try {
    const sight = await reach.within(lookTime(target, limit), () => target.observe(pathOf(target), limit));
    return { sight, problem: sight.problem ?? null };
  } catch (error) {
    const found = outletProblem(`cannot read ${target.label}`, target.folder, error);
    const problem = found instanceof JwtrotError ? found.message : quoteOutside(String(found));
    return { sight: UNREADABLE, problem };
  }
}

export async function holdingWithin(reachable: Reachable, limit: Duration): Promise<Holding> {
  const { sight, problem } = await observeWithin(reachable, limit);
  const holding = holdingOf(reachable.target, sight);
  return problem === null ? holding : { ...holding, problem };
}

/** Every key that can be recognised in it; if the outlet can't be observed, at most the one in the file of `kid`. */
export async function keysWithin(reachable: Reachable, limit: Duration, kid?: string): Promise<KeyInOutlet[]> {
  const { label: outlet, kind } = reachable.target;
  const named = kid === undefined ? null : await namedWithin(reachable, limit, kid);
  const { sight, problem } = await observeWithin(reachable, limit);
  const keys = problem === null || named === null ? (sight.keys ?? []) : [named];
  const known = keys.filter(({ isSaid }) => isSaid !== true);
  return known.map((key) => ({ ...key, outlet, kind, sha256: sight.sha256 }));
}

/** Before the outlet is observed, since that may take all the time there is. */
async function namedWithin({ target, reach }: Reachable, limit: Duration, kid: string): Promise<HeldKey | null> {
  const { byName, folder } = target;
  if (byName === undefined) return null;
  return reach.within(limit, () => byName.find(folder, kid)).catch(() => null);
}

/** What the record beside it says; empty if there is none or it can't be read. */
export async function recordWithin(reachable: Reachable, limit: Duration): Promise<OutletSaid[]> {
  const { target, reach } = reachable;
  const read = async () => {
    const directory = await target.openFolder();
    try {
      return await readOutletRecord(directory, target.name);
    } finally {
      await directory.handle.close();
    }
  };
  const record = await reach.within(limit, read).catch(() => 'absent' as const);
  if (typeof record === 'string') return [];
  const held = async () => (await observeWithin(reachable, limit)).sight.sha256;
  return [{ ...record, outlet: target.label, held }];
}
