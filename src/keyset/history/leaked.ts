import { THUMBPRINT } from '../manifest/model.js';
import { namesOf, type Witness } from './renamed.js';

/*
 * Finds out which pair leaked when no manifest tells: the store fails, or is older than the key. Outlets hold the key,
 * but the owner of an outlet's directory can put anything beside it, or in its place, under the leaked kid. So what
 * this host itself published under the kid decides; next the kid itself, by default the pair's thumbprint. Other pairs
 * under that kid then only lose that entry. If neither tells, every pair found under the kid is retired, but for those
 * that this host knows by another name.
 */

/** The shortest prefix of a kid that is accepted. */
export const SHORTEST_PREFIX = 8;

/** Finds keys by whole kid, else by thumbprint, else by prefix of a kid, else of a thumbprint. A prefix may match several. */
export function namedBy<T extends { readonly kid: string | null; readonly thumbprint: string }>(
  typed: string,
  keys: readonly T[],
): readonly T[] {
  const named = keys.filter((one) => one.kid === typed);
  const exact = named.length > 0 ? named : keys.filter((one) => typed !== '' && one.thumbprint === typed);
  if (exact.length > 0 || typed.length < SHORTEST_PREFIX) return exact;
  const begun = keys.filter((one) => one.kid?.startsWith(typed) === true);
  return begun.length > 0 ? begun : keys.filter((one) => one.thumbprint.startsWith(typed));
}

/** The pairs to retire together. */
export interface Leak {
  /** The whole kid. */
  readonly kid: string;
  /** The thumbprint of the pair that the kid names; null: unknown. */
  readonly pair: string | null;
  /** Thumbprints of other pairs under the kid that may be meant, each outlet's first entry first. */
  readonly also: readonly string[];
  /** This host published the pair under the kid. */
  readonly isOwn: boolean;
  /** `isOwn`, or the kid is the pair's thumbprint: a manifest that says otherwise is wrong. */
  readonly isSure: boolean;
}

/**
 * Finds the leaks that an operator's text names.
 * @param isBlind no manifest can be read
 * @returns several if the text is a prefix of different kids; empty if nothing matches
 */
export function leaksNamed(typed: string, known: Witness, isBlind: boolean): Leak[] {
  const found = entriesNamed(typed, known);
  const pairs = new Set(found.map(({ thumbprint }) => thumbprint));
  const kids = [...new Set(found.flatMap(({ kid }) => kid ?? []))];
  const [pair] = pairs;
  const isKid = kids.length === 1 && kids[0]?.startsWith(typed) === true;
  if (pairs.size === 1 && pair !== undefined && pair !== '' && !isKid) return [leakOf(pair, known, isBlind)];
  return kids.map((kid) => leakUnder(kid, known, isBlind));
}

/** The leak of a pair given as a key, or by its thumbprint. */
export function leakOf(pair: string, known: Witness, isBlind: boolean): Leak {
  const [name] = vouchedNames(pair, known);
  const kid = name ?? nameInOutlets(pair, known, isBlind);
  return { kid, pair, also: [], isOwn: name !== undefined, isSure: name !== undefined || kid === pair };
}

/**
 * Matches what this host published or remembers, else thumbprints, else all other names. Whoever writes an outlet chooses
 * names there, for example just the characters that an operator types, but no thumbprint.
 */
function entriesNamed(typed: string, { record, held }: Witness) {
  const own = [...held.filter(({ isGiven }) => isGiven), ...(record?.named ?? []), ...(record?.retired ?? [])];
  const byThumbprint = THUMBPRINT.test(typed)
    ? namedBy(
        typed,
        held.filter(({ kid, thumbprint }) => kid === thumbprint),
      )
    : held.filter(({ thumbprint }) => typed.length >= SHORTEST_PREFIX && thumbprint.startsWith(typed));
  const tiers = [namedBy(typed, own), byThumbprint, namedBy(typed, held)];
  return tiers.find((some) => some.length > 0) ?? [];
}

function leakUnder(kid: string, known: Witness, isBlind: boolean): Leak {
  const vouched = vouchedPair(kid, known);
  if (vouched !== null) return { kid, pair: vouched, also: [], isOwn: true, isSure: true };
  if (THUMBPRINT.test(kid)) {
    const also = mayBeAnothers(kid, known) ? unknownPairs(kid, known) : [];
    return { kid, pair: kid, also, isOwn: false, isSure: true };
  }
  // The record of a retirement says which pair went, though an outlet alone may have named that.
  const retired = known.record?.retired.findLast((one) => one.kid === kid)?.thumbprint ?? null;
  // A manifest that can be read says itself which pairs are in use.
  const pairs = isBlind ? unknownPairs(kid, known) : pairsUnder(kid, known);
  return {
    kid,
    pair: retired,
    also: pairs.filter((thumbprint) => thumbprint !== retired),
    isOwn: false,
    isSure: false,
  };
}

/**
 * A key from elsewhere may have a kid that only looks like a thumbprint (a hash of its SPKI). A host with a record knows
 * each of its own keys of that sort; else an outlet that holds the pair shows that the kid is its thumbprint.
 */
function mayBeAnothers(kid: string, { record, held }: Witness): boolean {
  return record === null && !held.some(({ thumbprint }) => thumbprint === kid);
}

/** The pair that this host published under a kid; null: none known. */
function vouchedPair(kid: string, { record, held }: Witness): string | null {
  const given = held.find((one) => one.isGiven && one.kid === kid && one.thumbprint !== '');
  return (given ?? record?.named?.find((one) => one.kid === kid))?.thumbprint ?? null;
}

/** Without pairs that this host knows by another name: they are not retired because an outlet shows them under this one. */
function unknownPairs(kid: string, known: Witness): string[] {
  const own = [...known.held.filter(({ isGiven }) => isGiven), ...(known.record?.named ?? [])];
  const ownPairs = new Set(own.map(({ thumbprint }) => thumbprint));
  return pairsUnder(kid, known).filter((thumbprint) => thumbprint !== kid && !ownPairs.has(thumbprint));
}

/** Each outlet's first entry, then each one's second: whoever fills one outlet does not displace what lies in another. */
function pairsUnder(kid: string, { held }: Witness): string[] {
  const counts = new Map<string, number>();
  const entries = held.flatMap(({ outlet, kid: name, thumbprint }) => {
    if (name !== kid || thumbprint === '') return [];
    const at = counts.get(outlet) ?? 0;
    counts.set(outlet, at + 1);
    return [{ thumbprint, at }];
  });
  return [...new Set(entries.sort((a, b) => a.at - b.at).map(({ thumbprint }) => thumbprint))];
}

function vouchedNames(thumbprint: string, known: Witness): string[] {
  return namesOf(thumbprint, known.record === null ? known : { ...known, record: { ...known.record, retired: [] } });
}

/**
 * Nobody vouches for a name in an outlet. A name that another pair also has there would take that pair out, too. A host
 * with a record knows each of its own keys whose name is not its thumbprint.
 */
function nameInOutlets(pair: string, { record, held }: Witness, isBlind: boolean): string {
  const names = held.filter((one) => one.thumbprint === pair).flatMap(({ kid }) => kid ?? []);
  if (names.includes(pair) || (isBlind && record !== null)) return pair;
  const isAnothers = (name: string) => held.some((one) => one.kid === name && one.thumbprint !== pair);
  return names.find((name) => !isAnothers(name)) ?? pair;
}
