import { type Algorithm, MODULUS_LENGTHS, type ModulusLength } from '../basics/algorithm.js';
import type { Policy } from '../basics/policy.js';
import type { NewKey } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import { activeKey } from './keys.js';

/*
 * The kind of a key. A verifier may pin it, so a change in the configuration waits for `rotate --change-alg`.
 */

export interface KeyKind {
  readonly alg: Algorithm;
  /** RSA modulus length in bits; null for other keys, and for a length that jwtrot does not generate. */
  readonly modulusLength: ModulusLength | null;
}

export function kindOf({ alg, publicJwk }: Pick<NewKey, 'alg' | 'publicJwk'>): KeyKind {
  // RFC 7518 section 6.3.1.1: big-endian, without leading zeros.
  const bits = publicJwk.kty === 'RSA' ? 8 * Math.floor((3 * publicJwk.n.length) / 4) : 0;
  return { alg, modulusLength: MODULUS_LENGTHS.find((length) => length === bits) ?? null };
}

export function wantedKind({ alg, modulusLength }: Pick<Policy, 'alg' | 'modulusLength'>): KeyKind {
  return { alg, modulusLength: isRsa(alg) ? modulusLength : null };
}

/** `RS256, 2048 bits`, `ES256`. */
export function kindText({ alg, modulusLength }: KeyKind): string {
  return modulusLength === null ? alg : `${alg}, ${modulusLength} bits`;
}

/** False if a length is unknown: an imported key of an odd length pins none. */
export function isOtherKind(one: KeyKind, other: KeyKind): boolean {
  const bothKnown = one.modulusLength !== null && other.modulusLength !== null;
  return one.alg !== other.alg || (bothKnown && one.modulusLength !== other.modulusLength);
}

/** The kind of the next key: the active key's, unless a change was asked for. */
export function nextKind(manifest: Manifest | null, policy: Policy, changeAlg: boolean): KeyKind {
  const active = manifest === null ? null : activeKey(manifest);
  const wanted = wantedKind(policy);
  if (active === null || changeAlg) return wanted;
  const { alg, modulusLength } = kindOf(active);
  return { alg, modulusLength: modulusLength ?? wanted.modulusLength };
}

/** The change of kind that the configuration asks for; null: none. */
export function pendingChange(
  manifest: Manifest,
  policy: Policy,
): { readonly now: KeyKind; readonly wanted: KeyKind } | null {
  const active = activeKey(manifest);
  if (active === null) return null;
  const [now, wanted] = [kindOf(active), wantedKind(policy)];
  return isOtherKind(now, wanted) ? { now, wanted } : null;
}

/** Says for `status`, `status --check` and `rotate` that the change waits for `--change-alg`. */
export function changeText(manifest: Manifest, policy: Policy): string | null {
  const change = pendingChange(manifest, policy);
  if (change === null) return null;
  return `the configuration asks for ${kindText(change.wanted)}; keys stay ${kindText(change.now)} until jwtrot rotate --change-alg`;
}

function isRsa(alg: Algorithm): boolean {
  return alg.startsWith('RS') || alg.startsWith('PS');
}
