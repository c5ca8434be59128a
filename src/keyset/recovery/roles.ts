import type { KnownKey } from './known.js';

/*
 * Decides which kept key signs from now on. No token is lost: all kept keys verify.
 */

export interface Roles {
  /** Null: none; `rotate` generates one. */
  readonly active: KnownKey | null;
  /** The active key's private half is only in a delivered file. It is wrapped and stored again. */
  readonly activeIsInFile: boolean;
  /** The key to roll out through the gate; at once if no key is active. */
  readonly pending: KnownKey | null;
}

/** The keys that signers hold, by delivered files or else by their own answers; null: no information. */
function heldBySigners(kept: readonly KnownKey[], all: readonly KnownKey[]): readonly KnownKey[] | null {
  const delivered = kept.filter((key) => key.deliveredIn.length > 0 && hasPrivateHalf(key));
  if (delivered.length > 0) return delivered;
  const reported = kept.filter((key) => key.signedBy.length > 0 && hasPrivateHalf(key));
  if (reported.length > 0) return reported;
  const isSaid = all.some((key) => key.deliveredIn.length + key.signedBy.length > 0);
  return isSaid ? [] : null;
}

/** True if its private half is in the store, or in a delivered file from which it can be stored. */
function hasPrivateHalf(key: KnownKey): boolean {
  return key.secret === 'stored' || isInFileAlone(key);
}

function isInFileAlone(key: KnownKey): boolean {
  // A store does not take a secret again once its deletion was ordered.
  if (key.secret === 'stored' || key.secret === 'deleted') return false;
  return key.deliveredIn.length > 0 || (key.isAdopted && key.privateIn.length > 0);
}

/** @param kept in order of version */
export function rolesOf(kept: readonly KnownKey[], all: readonly KnownKey[]): Roles {
  const held = heldBySigners(kept, all);
  const active = (held === null ? null : newestOf(held)) ?? fallback(kept);
  const activeIsInFile = active !== null && isInFileAlone(active);
  const isWaiting = (key: KnownKey) => key !== active && key.key?.state === 'pending' && key.secret === 'stored';
  const pending = (active === null ? newestPublished(kept) : null) ?? kept.find(isWaiting) ?? null;
  // A key that must be stored first takes the only rollout. The pending key then verifies, and another is staged when
  // due.
  return { active, activeIsInFile, pending: activeIsInFile ? null : pending };
}

function activeInManifest(kept: readonly KnownKey[]): KnownKey | null {
  return kept.find((key) => key.key?.state === 'active' && hasPrivateHalf(key)) ?? null;
}

function newestOf(keys: readonly KnownKey[]): KnownKey | null {
  return activeInManifest(keys) ?? keys.at(-1) ?? null;
}

/** Signers hold no known key, or must leave theirs: choose a key that has signed before. */
function fallback(kept: readonly KnownKey[]): KnownKey | null {
  const former = kept.filter(({ secret, key }) => secret === 'stored' && key?.state === 'deprecated');
  const failed = (key: KnownKey) => Number(key.key?.reason === 'failed');
  const best = [...former].reverse().sort((a, b) => failed(a) - failed(b))[0] ?? null;
  return activeInManifest(kept) ?? best;
}

/** It may be in only some of the outlets, so it goes through the gate at once. */
function newestPublished(kept: readonly KnownKey[]): KnownKey | null {
  return kept.findLast(({ secret, publishedIn }) => secret === 'stored' && publishedIn.length > 0) ?? null;
}
