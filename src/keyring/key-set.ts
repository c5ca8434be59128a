import { createPublicKey } from 'node:crypto';
import { setImmediate as pause } from 'node:timers/promises';
import { acceptablePublicJwk } from '../keys/acceptable.js';
import { algorithmFor } from '../keys/fit-algorithm.js';
import { hasPrivateMember, membersOf } from '../keys/jwk-members.js';
import { equalPublicJwks } from '../keys/public-key.js';
import { ALGORITHM_NAMES, type Algorithm, isAlgorithm } from '../keyset/basics/algorithm.js';
import { decodeJson, isJsonObject, type JsonObject } from '../keyset/basics/foreign-json.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { PublicJwk } from '../keyset/manifest/key.js';
import { notNow } from './failures.js';
import { type CryptoKey, importPublic } from './web-crypto.js';

/** A key that tokens are checked with. */
export interface VerifyingKey {
  readonly kid: string;
  /** As the set declares it; null: it does not. */
  readonly alg: Algorithm | null;
  readonly publicJwk: PublicJwk;
  /** The algorithms that its tokens may have. A WebCrypto key is for one of them alone. */
  readonly pinned: ReadonlyMap<string, CryptoKey>;
}

export type KeysByKid = ReadonlyMap<string, VerifyingKey>;

export interface KeySetRules {
  /** Accepted; null: what each key declares. */
  readonly algorithms: readonly Algorithm[] | null;
  /** Keys of these that did not change are taken over: importing one takes a while. */
  readonly held: KeysByKid;
}

/** More than any keyset publishes (`maxKeys` is 10 by default), and few enough to import without a pause that shows. */
const MOST_KEYS = 100;
const LONGEST_KID = 256;

/**
 * Reads a JWKS (RFC 7517 section 5). Keys of a type or algorithm that this version does not know are left out, as
 * section 5 says, and keys for encryption. Anything else that is wrong with one key refuses the whole set: its author did not mean it.
 * @throws KeyringError `bad-jwks`, `too-many-keys`, `private-member`, `wrong-use`, `jwk-without-kid`, `duplicate-kid`,
 * `alg-missing`, `bad-key`
 */
export async function readKeySet(text: string, rules: KeySetRules): Promise<KeysByKid> {
  const decoded = decodeJson(text);
  if (!decoded.ok) throw notNow('bad-jwks', `the JWKS is ${decoded.reason}`);
  const entries = isJsonObject(decoded.value) ? decoded.value['keys'] : undefined;
  if (!Array.isArray(entries)) throw notNow('bad-jwks', 'it is no JWKS: it has no list "keys"');
  if (entries.length > MOST_KEYS)
    throw notNow('too-many-keys', `the JWKS has ${entries.length} keys; at most ${MOST_KEYS} are taken`);
  const keys = new Map<string, VerifyingKey>();
  const kids = new Set<string>();
  for (const entry of entries) {
    if (!isJsonObject(entry)) throw notNow('bad-jwks', 'a member of the list "keys" is no JWK');
    // An identity provider's set may have keys for encryption beside those for signatures (OpenID Connect Core, 10.2.1).
    if (isOfAnotherUse(entry)) continue;
    const kid = assertSound(entry);
    if (kids.has(kid)) throw notNow('duplicate-kid', `the JWKS has two keys with kid ${quoteOutside(kid)}`);
    kids.add(kid);
    const key = await keyOf(entry, kid, rules);
    if (key !== null && key.pinned.size > 0) keys.set(kid, key);
  }
  return keys;
}

/** By its algorithm: a key that names none, or one for signatures, is not meant for anything else. */
function isOfAnotherUse(jwk: JsonObject): boolean {
  return jwk['use'] === 'enc' && typeof jwk['alg'] === 'string' && !isAlgorithm(jwk['alg']) && !hasPrivateMember(jwk);
}

/** @returns its kid */
function assertSound(jwk: JsonObject): string {
  const { kid, use, key_ops: operations } = jwk;
  if (hasPrivateMember(jwk)) throw notNow('private-member', 'the JWKS holds a private or symmetric key: it was leaked');
  if (typeof kid !== 'string' || kid === '' || kid.length > LONGEST_KID)
    throw notNow('jwk-without-kid', `a key of the JWKS has no kid, or one of more than ${LONGEST_KID} characters`);
  const mayVerify = operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
  if ((use !== undefined && use !== 'sig') || !mayVerify)
    throw notNow('wrong-use', `key ${quoteOutside(kid)} of the JWKS is not for signatures`);
  return kid;
}

/** @returns null: it is of a kind that this version does not know */
async function keyOf(jwk: JsonObject, kid: string, rules: KeySetRules): Promise<VerifyingKey | null> {
  const declared = jwk['alg'];
  if (membersOf(jwk['kty']) === undefined || (declared !== undefined && !isAlgorithm(declared))) return null;
  const publicJwk = publicJwkIn(jwk, kid);
  const alg = declared ?? null;
  return heldOrImported({ kid, alg, publicJwk }, rules);
}

/** @throws KeyringError `bad-key`, `alg-missing` */
export async function heldOrImported(key: Omit<VerifyingKey, 'pinned'>, rules: KeySetRules): Promise<VerifyingKey> {
  const held = rules.held.get(key.kid);
  if (held !== undefined && held.alg === key.alg && equalPublicJwks(held.publicJwk, key.publicJwk)) return held;
  return importKey(key, rules.algorithms);
}

function publicJwkIn(jwk: JsonObject, kid: string): PublicJwk {
  const required = membersOf(jwk['kty'])?.required ?? [];
  const half = Object.fromEntries(required.map((name) => [name, jwk[name]]));
  if (!Object.values(half).every((value) => typeof value === 'string'))
    throw notNow('bad-key', `key ${quoteOutside(kid)} of the JWKS lacks a member`);
  return half as unknown as PublicJwk;
}

/** @throws KeyringError `bad-key`, `alg-missing` */
async function importKey(
  { kid, alg, publicJwk }: Omit<VerifyingKey, 'pinned'>,
  allowed: readonly Algorithm[] | null,
): Promise<VerifyingKey> {
  if (alg === null && allowed === null)
    throw notNow(
      'alg-missing',
      `key ${quoteOutside(kid)} has no alg: name the accepted ones with the option algorithms`,
    );
  try {
    const sound = acceptablePublicJwk(createPublicKey({ key: { ...publicJwk }, format: 'jwk' }));
    const usable = alg === null ? ALGORITHM_NAMES.filter((one) => fits(sound, one)) : [algorithmFor(sound, alg, alg)];
    const pinned = new Map<string, CryptoKey>();
    for (const one of usable.filter((name) => allowed === null || allowed.includes(name)))
      pinned.set(one, await importPublic(sound, one));
    // Imports run on the main thread: requests come first.
    await pause();
    return { kid, alg, publicJwk: sound, pinned };
  } catch (cause) {
    throw notNow('bad-key', `key ${quoteOutside(kid)} is not one that tokens may be checked with`, cause);
  }
}

function fits(publicJwk: PublicJwk, alg: Algorithm): boolean {
  try {
    return algorithmFor(publicJwk, alg, alg) === alg;
  } catch {
    return false;
  }
}
