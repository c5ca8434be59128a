import type { Clock, Duration } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { isTransient, Patience } from '../rollout/patience.js';
import { readKeyset, search } from './find-key.js';
import { asKnownHere } from './find-renamed.js';
import { findStray } from './find-stray.js';
import { foundTogether } from './found-together.js';
import { type FoundKey, type KeySearch, pairOf, type SearchedKeyset } from './named.js';

/*
 * The store was silent while the key was searched for, so outlets told which one is meant, and anybody may have written
 * those. The store gets until the deadline, as it did before: if it answers, its manifests tell. If it does not, this run
 * asks it for nothing more: an answer that comes later could have outlets written with the key that was really meant.
 */

/** @param deadline by the monotonic clock @throws JwtrotError as `findKey` does, if the store answers */
export async function findAgain(before: KeySearch, deadline: Duration, clock: Clock): Promise<readonly FoundKey[]> {
  const { named, searched, found } = before;
  const isCertain = found.every(({ key, seen }) => key !== null && seen.failure === null);
  if (isCertain || !searched.some(isSilent)) return found;
  const patience = new Patience(clock, deadline);
  const again = await Promise.all(searched.map((one) => (isSilent(one) ? readKeyset(one, patience) : one)));
  if (again.filter(isSilent).length === searched.filter(isSilent).length)
    return found.map((one) => unasked({ ...one, seen: seenNow(one, again) }));
  const anew = foundTogether(await search(again, named), named);
  // Somebody may have moved the key: it lies where it was found first, too.
  const rest = again.filter((one) => isAmong(one, found) && !isAmong(one, anew));
  const moved = (await Promise.all(rest.map((one) => findStray([one], { ...named })))).flat();
  const pairs = anew.map(pairOf);
  const meant = [...anew, ...moved.filter((one) => pairs.includes(pairOf(one)))];
  if (meant.length === 0) return found.map((one) => unasked({ ...one, seen: seenNow(one, again) }));
  return Promise.all(meant.map(async (one) => unasked(await asKnownHere(one, named))));
}

function isSilent({ seen }: Pick<FoundKey, 'seen'>): boolean {
  return isTransient(seen.failure);
}

function isAmong({ keyset }: SearchedKeyset, found: readonly FoundKey[]): boolean {
  return found.some((one) => one.keyset === keyset);
}

function seenNow({ keyset, seen }: FoundKey, again: readonly SearchedKeyset[]): FoundKey['seen'] {
  return again.find((one) => one.keyset === keyset)?.seen ?? seen;
}

/** If the store is silent still, this run goes on without it. */
function unasked(found: FoundKey): FoundKey {
  const { failure } = found.seen;
  if (failure === null || !isSilent(found)) return found;
  const { message, hint = '' } = failure;
  // As after a deadline: it is not tried again.
  const error = new JwtrotError('store', 'deadline-passed', message, { hint, cause: failure });
  const silent = () => Promise.reject(error);
  const { context } = found;
  return {
    ...found,
    context: { ...context, store: { ...context.store, readManifest: silent, commitManifest: silent } },
  };
}
