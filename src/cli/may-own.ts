import { knownHere } from './known-here.js';
import type { FoundStray, SearchedKeyset } from './named.js';

/**
 * If no keyset is known to own the pair, each one that can't be read may: the pair can have been moved between their
 * outlets. A JWKS that is as this host wrote it shows that its keyset does not.
 */
export async function mayOwn(searched: readonly SearchedKeyset[], found: readonly FoundStray[]): Promise<FoundStray[]> {
  const [first] = found;
  if (first === undefined || first.isUnsure || found.some(({ stray }) => stray.thumbprint !== first.stray.thumbprint))
    return [];
  const unread = searched.filter(
    ({ keyset, seen }) => seen.failure !== null && !found.some((one) => one.keyset === keyset),
  );
  const each = await Promise.all(
    unread.map(async ({ keyset, context, seen }) => {
      const { held, keys } = await knownHere(context);
      const delivered = new Set(keys.flatMap(({ kind, outlet }) => (kind === 'deliver' ? [outlet] : [])));
      const isShown = held.some(({ isGiven, kid, outlet }) => isGiven && kid !== null && !delivered.has(outlet));
      return isShown
        ? []
        : [{ keyset, context, seen, key: null, stray: first.stray, mayOwn: true as const, outlets: [] }];
    }),
  );
  return each.flat();
}
