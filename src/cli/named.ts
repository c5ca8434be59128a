import type { KeysetConfiguration } from '../config/configuration.js';
import type { ParsedKey } from '../keys/import-key.js';
import type { JwtrotError } from '../keyset/basics/error.js';
import { namedBy } from '../keyset/history/leaked.js';
import type { Renamed } from '../keyset/history/renamed.js';
import type { Key, LeakedKey } from '../keyset/manifest/key.js';
import type { Manifest } from '../keyset/manifest/model.js';
import type { KeysetContext } from '../rollout/context.js';

/** How the operator names a key: `--kid`, or `--key` with the key itself. */
export type Named =
  | { readonly kid: string; readonly key: null }
  | { readonly kid: null; readonly key: Omit<ParsedKey, 'privateKey'> };

/** Selects the named keys: by kid as in `namedBy`, or by the given key's thumbprint. */
export function chosen<T extends { readonly kid: string | null; readonly thumbprint: string }>(
  keys: readonly T[],
  { kid, key }: Named,
): readonly T[] {
  return key === null ? namedBy(kid, keys) : keys.filter((one) => one.thumbprint === key.thumbprint);
}

/** A keyset as the store shows it. */
export interface SeenStore {
  /** The newest sound manifest; null: none. */
  readonly manifest: Manifest | null;
  /** Why it could not be read; null: it was. */
  readonly failure: JwtrotError | null;
}

/** A keyset in which the named key is searched for. */
export interface SearchedKeyset {
  readonly keyset: KeysetConfiguration;
  readonly context: KeysetContext;
  readonly seen: SeenStore;
  /** The manifest's keys. */
  readonly keys: readonly Key[];
}

/** What was found, of what was named, and where it was looked for. */
export interface KeySearch {
  readonly named: Named;
  readonly searched: readonly SearchedKeyset[];
  /** One in each of the keysets that are meant. */
  readonly found: readonly FoundKey[];
}

/** A named key and where it was found. */
export type FoundKey = {
  readonly keyset: KeysetConfiguration;
  readonly context: KeysetContext;
  readonly seen: SeenStore;
  /** Other pairs under its kid in outlets. Nothing tells them from it, so they go with it. Absent: none. */
  readonly also?: readonly LeakedKey[];
} & (KnownKey | StrayKey);

export interface KnownKey {
  /** The key in the manifest. */
  readonly key: Key;
  readonly stray: null;
}

/** A key that the manifest does not know, or not by that kid. */
export interface StrayKey {
  readonly key: null;
  readonly stray: LeakedKey;
  /** Only outlets give it this name. */
  readonly isUnsure?: true;
  /** The manifest's false statement about it or its kid. Absent: none. */
  readonly renamed?: Renamed;
  /** No outlet of this keyset holds it, but the keyset can't be read, and may own it. */
  readonly mayOwn?: true;
  /** This host's outlets that hold it. */
  readonly outlets: readonly string[];
  /** Thumbprints of pairs under its kid that only lose that entry: they are not retired. Absent: none. */
  readonly aside?: readonly string[];
}

export type FoundStray = FoundKey & StrayKey;

export function kidOf(found: FoundKey): string {
  return found.key === null ? found.stray.kid : found.key.kid;
}

export function pairOf({ key, stray }: FoundKey): string {
  return (key ?? stray).thumbprint;
}

/** The key as it enters a manifest without it. Prepared early, since the store may fail later. */
export function enteringOf({ key, stray }: FoundKey): LeakedKey | undefined {
  if (key === null) return stray;
  const { kid, thumbprint, alg, publicJwk, hasPrivate } = key;
  return publicJwk === null ? undefined : { kid, thumbprint, alg, publicJwk, hasPrivate };
}
