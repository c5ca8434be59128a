import { quoteOutside } from '../basics/outside-text.js';
import type { Key } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import { isRetired } from '../manifest/states.js';
import { givenTo } from './given-outlet.js';
import type { KeysetRecord } from './record.js';

/*
 * Tells which pair a kid names. An attacker who can write the store can swap kids in the manifest. Then `retire --kid
 * K` would take out another pair and keep the leaked one published under that pair's kid. What this host itself
 * published exposes the swap: in an honest history a kid names one pair for ever.
 */

/** A kid and the pair it names. */
export interface Naming {
  readonly kid: string;
  readonly thumbprint: string;
}

/** A key as an outlet holds it. */
export interface HeldName {
  readonly outlet: string;
  /** Null: a PEM holds no kid. */
  readonly kid: string | null;
  readonly thumbprint: string;
  /** The outlet holds exactly what this host wrote, so nobody else named the key. */
  readonly isGiven: boolean;
}

/** The manifest names a pair differently than this host knows it. */
export interface Renamed {
  readonly why: 'renamed';
  /** The kid that this host knows. */
  readonly kid: string;
  readonly thumbprint: string;
  /** The outlet that says so; null: this host's record, or the kid itself, which is the pair's thumbprint. */
  readonly outlet: string | null;
  /** The thumbprint that the manifest has under that kid; null: none. */
  readonly stored: string | null;
  /** The kid that the manifest gives that pair; null: it lacks the pair. */
  readonly storedAs: string | null;
}

/** The evidence besides the manifest. */
export interface Witness {
  readonly record: KeysetRecord | null;
  readonly held: readonly HeldName[];
}

/** @param keys the keys in outlets, each with the SHA-256 of its outlet's whole content */
export function witness(
  record: KeysetRecord | null,
  keys: readonly (Omit<HeldName, 'isGiven'> & { readonly sha256: string | null })[],
): Witness {
  const isGiven = (outlet: string, sha256: string | null) =>
    sha256 !== null && givenTo(record, outlet)?.sha256 === sha256;
  return {
    record,
    held: keys.map(({ outlet, kid, thumbprint, sha256 }) => ({
      outlet,
      kid,
      thumbprint,
      isGiven: isGiven(outlet, sha256),
    })),
  };
}

/** @returns null if the manifest agrees, or knows neither kid nor pair */
export function contradiction({ kid, thumbprint }: Naming, outlet: string | null, { keys }: Manifest): Renamed | null {
  const stored = keys.find((key) => key.kid === kid)?.thumbprint ?? null;
  const storedAs = keys.find((key) => key.thumbprint === thumbprint)?.kid ?? null;
  const isSame = (stored ?? thumbprint) === thumbprint && (storedAs ?? kid) === kid;
  return isSame ? null : { why: 'renamed', kid, thumbprint, outlet, stored, storedAs };
}

/** Compares the manifest with what this host published and with the key to retire. Null: no contradiction. */
export function renamedIn(manifest: Manifest, { held }: Pick<Witness, 'held'>, asked: Naming | null): Renamed | null {
  const isAsked = (one: HeldName) => one.isGiven && one.kid === asked?.kid && one.thumbprint === asked.thumbprint;
  const known = asked === null ? null : contradiction(asked, held.find(isAsked)?.outlet ?? null, manifest);
  if (known !== null) return known;
  for (const one of held) {
    const found = one.isGiven ? contradictionOf(one, manifest) : null;
    if (found !== null) return found;
  }
  return null;
}

function contradictionOf({ outlet, kid, thumbprint }: HeldName, manifest: Manifest): Renamed | null {
  return kid === null || thumbprint === '' ? null : contradiction({ kid, thumbprint }, outlet, manifest);
}

/** How the manifest names the pair to retire. */
export type Meant = Renamed | 'as-stored' | 'unknown';

/**
 * The pair that a kid means here. `unknown`: this host knows that the manifest's pair is wrong, but nothing tells the
 * right one. If the host remembers nothing, the outlets' content counts, whoever wrote it, unless the kid is its pair's
 * thumbprint.
 */
export function meantBy(kid: string, known: Witness, manifest: Manifest): Meant {
  const { record, held } = known;
  const named = held.filter((one) => one.kid === kid && one.thumbprint !== '');
  const given = named.filter((one) => one.isGiven);
  const [first] = given;
  if (first !== undefined) {
    const wrong = given.map((one) => contradictionOf(one, manifest)).find((found) => found !== null);
    return wrong ?? 'as-stored';
  }
  const remembered = record?.named?.find((one) => one.kid === kid);
  if (remembered !== undefined) return contradiction(remembered, null, manifest) ?? 'as-stored';
  const stored = manifest.keys.find((key) => key.kid === kid)?.thumbprint ?? null;
  const inUse = manifest.keys.filter((key) => key.kid !== kid && !isRetired(key));
  const claimed = stored === kid ? [] : named;
  const other = returnedAs(kid, record, inUse) ?? unvouched(record, claimed, inUse) ?? defaultOf(kid, stored, inUse);
  if (other !== undefined) {
    const outlet = named.find((one) => one.thumbprint === other.thumbprint)?.outlet ?? null;
    return contradiction({ kid, thumbprint: other.thumbprint }, outlet, manifest) ?? 'as-stored';
  }
  return namesOf(stored ?? '', known).some((name) => name !== kid) ? 'unknown' : 'as-stored';
}

/**
 * The kid of a pair given as a key: as this host knows it, else `kid`, or the thumbprint if `kid` is another pair's.
 */
export function nameOf({ kid, thumbprint }: Naming, known: Witness): string {
  const names = namesOf(thumbprint, known);
  if (names.length > 0) return names.includes(kid) ? kid : (names[0] ?? kid);
  const isAnothers = known.held.some((one) => one.isGiven && one.kid === kid && one.thumbprint !== thumbprint);
  return isAnothers ? thumbprint : kid;
}

/**
 * Names each pair, by thumbprint: as published here, else as stored, else (if another pair owns that kid) as this host
 * remembers it, else by its thumbprint.
 */
export function rightNames(pairs: readonly Naming[], known: Witness): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const isTaken = (name: string) => [...names.values()].includes(name);
  for (const { kid, thumbprint } of pairs) {
    const own = givenNames(thumbprint, known);
    const name = own.includes(kid) ? kid : own[0];
    if (name !== undefined && !isTaken(name)) names.set(thumbprint, name);
  }
  for (const { kid, thumbprint } of pairs) {
    if (names.has(thumbprint)) continue;
    const free = [kid, ...namesOf(thumbprint, known)].find((name) => !isTaken(name));
    names.set(thumbprint, free ?? thumbprint);
  }
  return names;
}

function givenNames(thumbprint: string, { held }: Witness): string[] {
  return held.filter((one) => one.isGiven && one.thumbprint === thumbprint).flatMap((one) => one.kid ?? []);
}

/** The kids of a pair: as this host published it, else as its record has it in use, then as retired. */
export function namesOf(thumbprint: string, known: Witness): string[] {
  const given = givenNames(thumbprint, known);
  if (given.length > 0 || known.record === null) return given;
  const { named = [], retired } = known.record;
  return [...named, ...retired].filter((one) => one.thumbprint === thumbprint).map((one) => one.kid);
}

/** A key in use that this host saw retired under `kid`, but never under its present kid. */
function returnedAs(kid: string, record: KeysetRecord | null, inUse: readonly Key[]): Key | undefined {
  const retired = record?.retired ?? [];
  return inUse.find((key) => {
    const names = retired.filter((one) => one.thumbprint === key.thumbprint).map((one) => one.kid);
    return names.includes(kid) && !names.includes(key.kid);
  });
}

function unvouched(record: KeysetRecord | null, named: readonly HeldName[], inUse: readonly Key[]): Key | undefined {
  if (record !== null) return undefined;
  return inUse.find((key) => named.some((one) => one.thumbprint === key.thumbprint));
}

/** By default a kid is its pair's thumbprint, and no other key may be imported under it. */
function defaultOf(kid: string, stored: string | null, inUse: readonly Key[]): Key | undefined {
  return stored === null ? undefined : inUse.find(({ thumbprint }) => thumbprint === kid);
}

/** Says for people how the manifest is wrong. */
export function renamedText({ kid, thumbprint, outlet, stored, storedAs }: Renamed): string {
  const by = outlet === null ? 'this host knows' : `${outlet} holds`;
  const says = [
    ...(stored === null || stored === thumbprint ? [] : [`under that kid another key (thumbprint ${stored})`]),
    ...(storedAs === null || storedAs === kid ? [] : [`that key under the kid ${quoteOutside(storedAs)}`]),
  ];
  return `${by} key ${quoteOutside(kid)} (thumbprint ${thumbprint}), and the store has ${says.join(' and ')}`;
}
