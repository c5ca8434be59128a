import { hasPrivateMember, membersOf } from '../keys/jwk-members.js';
import { thumbprintOf } from '../keys/thumbprint.js';
import { isAlgorithm } from '../keyset/basics/algorithm.js';
import { decodeJson, isJsonObject, type JsonObject } from '../keyset/basics/foreign-json.js';
import type { PublicJwk } from '../keyset/manifest/key.js';
import type { HeldKey } from './outlet.js';

export interface ReadJwks {
  /** Every key that was recognised. A key of an unknown type has a kid and no thumbprint (''). */
  readonly keys: readonly HeldKey[];
  /** The text is byte for byte what jwtrot writes for these keys. */
  readonly exact: boolean;
  /** It has entries, but none of them was recognised. */
  readonly foreign: boolean;
  /** It holds a private member. */
  readonly leaks: boolean;
}

/** @returns null when the text is no JWK Set (RFC 7517 section 5) */
export async function readJwks(text: string): Promise<ReadJwks | null> {
  const decoded = decodeJson(text);
  const entries = decoded.ok && isJsonObject(decoded.value) ? decoded.value['keys'] : undefined;
  if (!Array.isArray(entries)) return null;
  const jwks = entries.filter(isJsonObject);
  const named = await Promise.all(jwks.map(keyIn));
  const keys = named.filter((key) => key.kid !== null || key.thumbprint !== '');
  return {
    keys,
    foreign: entries.length > 0 && keys.length === 0,
    exact:
      jwks.length === entries.length &&
      jwks.every(isOurs) &&
      `${JSON.stringify({ keys: entries }, null, 2)}\n` === text,
    leaks: jwks.some(hasPrivateMember),
  };
}

/** Whether it holds exactly what jwtrot publishes: its public members, kid, alg and `use: sig`. */
export function isOurs(jwk: Readonly<Record<string, unknown>>): boolean {
  const publicMembers = membersOf(jwk['kty'])?.required ?? [];
  return (
    Object.keys(jwk).length === publicMembers.length + 3 &&
    publicMembers.every((member) => typeof jwk[member] === 'string') &&
    typeof jwk['kid'] === 'string' &&
    isAlgorithm(jwk['alg']) &&
    jwk['use'] === 'sig'
  );
}

/** Kid and thumbprint of one entry. An unknown type has no thumbprint (''). */
export async function keyIn(jwk: JsonObject): Promise<HeldKey> {
  const kid = typeof jwk['kid'] === 'string' && jwk['kid'] !== '' ? jwk['kid'] : null;
  const members = membersOf(jwk['kty'])?.required;
  if (members === undefined || !members.every((member) => typeof jwk[member] === 'string'))
    return { kid, thumbprint: '' };
  const publicJwk = Object.fromEntries(members.map((member) => [member, jwk[member]])) as unknown as PublicJwk;
  const alg = typeof jwk['alg'] === 'string' ? jwk['alg'] : null;
  return { kid, thumbprint: await thumbprintOf(publicJwk), publicJwk, alg };
}
