import { JwtrotError } from '../keyset/basics/error.js';
import { type Leak, leakOf, leaksNamed } from '../keyset/history/leaked.js';
import type { LeakedKey, NewKey } from '../keyset/manifest/key.js';
import { isRetired } from '../keyset/manifest/states.js';
import { type KnownHere, knownHere } from './known-here.js';
import { mayOwn } from './may-own.js';
import type { FoundKey, FoundStray, Named, SearchedKeyset } from './named.js';
import { fitPairs, type Held, MOST, meant, strayOf, unfit } from './stray.js';

/*
 * Finds a key that no manifest knows: somebody put it into an outlet, or it is newer than the backup that the store was
 * restored from, or the store fails. It can be retired all the same.
 */

/** The least rank of a candidate that this host vouches for. */
const OWN = 2;

/** A key in one keyset's outlets. If several keysets hold it, the highest `rank` is meant. */
interface Candidate {
  readonly found: FoundStray;
  readonly rank: number;
}

/** Finds the named key in these keysets' outlets, else takes the key from `--key`. @throws JwtrotError kind `usage` */
export async function findStray(searched: readonly SearchedKeyset[], named: Named): Promise<FoundKey[]> {
  const candidates = (await Promise.all(searched.map((one) => inOutlets(one, named)))).flat();
  const highest = Math.max(...candidates.map(({ rank }) => rank));
  const found = candidates.filter(({ rank }) => rank === highest).map((one) => one.found);
  const [only, ...others] = searched;
  if (found.length > 0)
    return [...found, ...(highest >= OWN ? holders(candidates, found) : await mayOwn(searched, found))];
  if (named.key === null || only === undefined) return [];
  if (others.length > 0) throw whichKeyset(searched);
  const { keyset, context, seen } = only;
  const stray = await strayOf(only, { ...named.key, outlet: '' });
  return [{ keyset, context, seen, key: null, stray, outlets: [] }];
}

/** If no outlet of its own keyset holds the pair any more, those of others that do. */
function holders(candidates: readonly Candidate[], found: readonly FoundStray[]): FoundStray[] {
  if (found.some(({ outlets }) => outlets.length > 0)) return [];
  const pairs = found.map(({ stray }) => stray.thumbprint);
  return candidates
    .map((one) => one.found)
    .filter((one) => !found.includes(one) && pairs.includes(one.stray.thumbprint));
}

async function inOutlets(searched: SearchedKeyset, named: Named): Promise<Candidate[]> {
  const known = await knownHere(searched.context, named.kid ?? named.key.kid ?? named.key.thumbprint);
  const isBlind = searched.seen.manifest === null;
  const leaks =
    named.key === null ? leaksNamed(named.kid, known, isBlind) : [leakOf(named.key.thumbprint, known, isBlind)];
  const found = await Promise.all(leaks.map((leak) => candidate(searched, leak, known)));
  return found.filter((one) => one !== null);
}

/**
 * @returns null if no outlet holds it, as far as can be told
 * @throws JwtrotError `unfit-key` if the store is sound and does not know it
 */
async function candidate(searched: SearchedKeyset, leak: Leak, known: KnownHere): Promise<Candidate | null> {
  const { keyset, context, seen } = searched;
  const { kid, pair, isOwn, isSure } = leak;
  const others = new Set(leak.also);
  const isOf = (one: Held) => one.kid === kid || one.thumbprint === pair || others.has(one.thumbprint);
  const holding = known.keys.filter(isOf);
  const isRetired = known.record?.retired.some((one) => one.thumbprint === pair) === true;
  if (holding.length === 0 && (seen.failure === null || !isOwn || isRetired)) return null;
  const also = await fitPairs(searched, known, inOrder(leak, searched));
  const stray = await meant(searched, known, { kid, thumbprint: pair ?? also[0]?.thumbprint ?? null });
  if (stray === null) {
    if (seen.failure === null) throw unfit(holding[0] as Held, undefined);
    return null;
  }
  const isAnother = ({ thumbprint }: NewKey) => thumbprint !== stray.thumbprint && !isInUse(searched, thumbprint);
  const rest = also.filter(isAnother).slice(0, MOST.pairs);
  const outlets = [...new Set(holding.map(({ outlet }) => outlet))];
  const isTold = isSure || (seen.failure === null && rest.length === 0);
  const found = {
    keyset,
    context,
    seen,
    key: null,
    stray: isTold ? stray : kept(stray),
    outlets,
    ...(outlets.length === 0 ? ({ mayOwn: true } as const) : {}),
    ...(isSure ? {} : ({ isUnsure: true } as const)),
    ...(rest.length === 0 ? {} : { also: rest.map(kept) }),
    aside: aside(kid, [stray, ...rest], holding),
  };
  return { found, rank: OWN * Number(isOwn) + Number(known.keys.some(({ thumbprint }) => thumbprint === pair)) };
}

/** Keeps the private key: an outlet's writer must not choose which private key is deleted, since it may be in use. */
function kept(key: LeakedKey): LeakedKey {
  return { ...key, hasPrivate: false };
}

/** The pairs under its kid that are not retired. */
function aside(kid: string, retired: readonly LeakedKey[], holding: readonly Held[]): string[] {
  const pairs = new Set(holding.filter((one) => one.kid === kid).map(({ thumbprint }) => thumbprint));
  for (const thumbprint of ['', ...retired.map((one) => one.thumbprint)]) pairs.delete(thumbprint);
  return [...pairs];
}

/** Pairs that the manifest does not use come first. */
function inOrder({ also }: Leak, searched: SearchedKeyset): string[] {
  return [...also].sort((a, b) => Number(isInUse(searched, a)) - Number(isInUse(searched, b)));
}

function isInUse({ keys }: SearchedKeyset, thumbprint: string): boolean {
  return keys.some((key) => key.thumbprint === thumbprint && !isRetired(key));
}

function whichKeyset(searched: readonly SearchedKeyset[]): JwtrotError {
  const names = searched.map(({ keyset }) => keyset.name).join(', ');
  return new JwtrotError(
    'usage',
    'no-such-key',
    `none of the keysets ${names} knows the key, nor do their outlets; nothing was changed`,
    { hint: 'to have it never accepted by one of them: add --keyset NAME; is this the right configuration and store?' },
  );
}
