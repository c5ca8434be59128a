import { headerKid, kekId } from './local-jwe.js';
import { type KekPlace, readKek } from './local-kek.js';
import { createKek } from './local-kek-creation.js';
import { decodeKek, encodeKek } from './local-kek-text.js';

/*
 * The KEK in a backup: the line of its file as bytes, which the caller overwrites.
 */

/** @returns the KEK's line without the newline; null when there is no KEK */
export async function copyKek(place: KekPlace): Promise<Uint8Array | null> {
  const kek = await readKek(place);
  if (kek === null) return null;
  const line = encodeKek(kek);
  kek.fill(0);
  return line.subarray(0, -1);
}

export function isKekLine(line: Uint8Array): boolean {
  const kek = decodeKek(line);
  kek?.fill(0);
  return kek !== null;
}

/** Writes the KEK unless `place` holds one. If two processes race, one wins and its KEK is complete. */
export async function placeKek(place: KekPlace, line: Uint8Array): Promise<void> {
  const kek = decodeKek(line);
  if (kek !== null) await createKek(place, { kek });
}

/** @returns the keys whose header names another KEK; a damaged key, whose header names none, is left out */
export function wrappedOtherwise<T extends { readonly jwe: string }>(keys: readonly T[], line: Uint8Array): T[] {
  const kek = decodeKek(line);
  if (kek === null) return [...keys];
  const id = kekId(kek);
  kek.fill(0);
  return keys.filter(({ jwe }) => (headerKid(jwe) ?? id) !== id);
}
