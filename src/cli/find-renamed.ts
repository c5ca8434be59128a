import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import {
  contradiction,
  type HeldName,
  meantBy,
  nameOf,
  type Renamed,
  type Witness,
} from '../keyset/history/renamed.js';
import type { LeakedKey, NewKey } from '../keyset/manifest/key.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { isRetired } from '../keyset/manifest/states.js';
import { type KnownHere, knownHere } from './known-here.js';
import { chosen, type FoundKey, kidOf, type Named, type SearchedKeyset } from './named.js';
import { strayOf } from './stray.js';

/*
 * Handles a manifest that names pairs differently than this host published them: an attacker who can write the store
 * must not choose which pair an incident takes out.
 */

/** Finds keys in use that this host remembers as retired under the named kid. Only its record still knows that kid. */
export async function findRemembered(searched: readonly SearchedKeyset[], named: Named): Promise<FoundKey[]> {
  if (named.kid === null) return [];
  const found = await Promise.all(
    searched.map(async ({ keyset, context, seen, keys }): Promise<FoundKey[]> => {
      const { record } = await knownHere(context);
      const names = new Set(chosen(record?.retired ?? [], named).map(({ thumbprint }) => thumbprint));
      const inUse = keys.filter((key) => !isRetired(key) && names.has(key.thumbprint));
      return inUse.map((key) => ({ keyset, context, seen, key, stray: null }));
    }),
  );
  return found.flat();
}

/**
 * The found key, named as this host knows it.
 * @throws JwtrotError `other-pair` if the manifest's pair is provably wrong and nothing here tells the right one
 */
export async function asKnownHere(found: FoundKey, named: Named): Promise<FoundKey> {
  const { manifest } = found.seen;
  if (manifest === null) return found;
  const known = await knownHere(found.context);
  const renamed = isByPair(found, named)
    ? byPair(found, known, manifest)
    : byKid(found, named.kid ?? '', known, manifest);
  if (renamed !== null) return renamedKey(found, renamed, known, manifest);
  if (found.stray === null) return found;
  // The pair was imported under another kid, and lies in an outlet that jwtrot did not write.
  const key = manifest.keys.find(({ thumbprint }) => thumbprint === found.stray.thumbprint);
  const { keyset, context, seen, also = [] } = found;
  return key === undefined ? found : { keyset, context, seen, key, stray: null, also };
}

/** True if the operator named the pair: by `--key`, or by its thumbprint. */
function isByPair(found: FoundKey, { kid, key }: Named): boolean {
  return key !== null || ((found.key ?? found.stray).thumbprint === kid && kidOf(found) !== kid);
}

function byKid(found: FoundKey, typed: string, known: KnownHere, manifest: Manifest): Renamed | null {
  const kid = askedKid(found, typed, known);
  const meant = meantBy(kid, known, manifest);
  if (meant === 'unknown') throw otherPair(found, kid, known.held);
  return meant === 'as-stored' ? null : meant;
}

/** The whole kid: as found, or as this host remembers it. */
function askedKid(found: FoundKey, typed: string, { record }: Witness): string {
  const kid = kidOf(found);
  if (kid.startsWith(typed)) return kid;
  const { thumbprint } = found.key ?? found.stray;
  return record?.retired.find((one) => one.thumbprint === thumbprint && one.kid.startsWith(typed))?.kid ?? kid;
}

function byPair(found: FoundKey, known: Witness, manifest: Manifest): Renamed | null {
  if (found.key === null) return null;
  const { thumbprint } = found.key;
  const kid = nameOf(found.key, known);
  const outlet = known.held.find((one) => one.isGiven && one.kid === kid)?.outlet ?? null;
  return contradiction({ kid, thumbprint }, outlet, manifest);
}

async function renamedKey(found: FoundKey, renamed: Renamed, known: KnownHere, manifest: Manifest): Promise<FoundKey> {
  const { keyset, context, seen } = found;
  const { kid, thumbprint } = renamed;
  const outlets = known.keys.filter((one) => one.thumbprint === thumbprint).map(({ outlet }) => outlet);
  const pair = await pairOf(found, renamed, known, manifest);
  // A tombstone that no outlet holds: there is nothing to take out.
  if (pair === null) return found;
  const also = [...(found.also ?? []), ...unvouchedPair(renamed, known, manifest)];
  return { keyset, context, seen, key: null, stray: { ...pair, kid }, renamed, outlets: [...new Set(outlets)], also };
}

/** A host without a record trusts an outlet's name for the pair, so the pair that the store has there goes, too. */
function unvouchedPair({ kid, stored }: Renamed, { record }: Witness, { keys }: Manifest): LeakedKey[] {
  const key = record === null ? keys.find((one) => one.kid === kid && one.thumbprint === stored) : undefined;
  if (key === undefined || isRetired(key)) return [];
  const { thumbprint, alg, publicJwk, hasPrivate } = key;
  return [{ kid: thumbprint, thumbprint, alg, publicJwk, hasPrivate }];
}

async function pairOf(
  { keyset, context, seen }: FoundKey,
  { thumbprint }: Renamed,
  known: KnownHere,
  { keys }: Manifest,
): Promise<NewKey | null> {
  const stored = keys.find((key) => key.thumbprint === thumbprint);
  if (stored !== undefined && stored.publicJwk !== null) {
    const { kid, alg, publicJwk, hasPrivate } = stored;
    return { kid, thumbprint, alg, publicJwk, hasPrivate };
  }
  const held = known.keys.find((one) => one.thumbprint === thumbprint);
  return held === undefined ? null : strayOf({ keyset, context, seen, keys }, held);
}

function otherPair(found: FoundKey, kid: string, held: readonly HeldName[]): JwtrotError {
  const { thumbprint } = found.key ?? found.stray;
  const other = held.find((one) => one.isGiven && one.thumbprint === thumbprint && one.kid !== null);
  const where = other === undefined ? 'this host knows' : `${other.outlet} holds`;
  const name = other?.kid == null ? 'under another name' : `as ${quoteOutside(other.kid)}`;
  const { name: keyset } = found.keyset;
  return new JwtrotError(
    'refused',
    'other-pair',
    `the store has under kid ${quoteOutside(kid)} a key that ${where} ${name}: its manifest was changed, and nothing here tells which key is meant; nothing was changed`,
    {
      hint: `name the key itself: jwtrot retire --keyset ${keyset} --key FILE; then: jwtrot store recover --keyset ${keyset}`,
    },
  );
}
