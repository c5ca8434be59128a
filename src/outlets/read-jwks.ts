import { thumbprintOf } from '../keys/thumbprint.js';
import { isAlgorithm } from '../keyset/algorithm.js';
import type { PublicJwk } from '../keyset/model.js';
import type { Holding } from '../keyset/projection.js';

export interface ReadJwks {
  /** Every key that could be told; one of an unknown type has its kid and no thumbprint (''). */
  readonly keys: NonNullable<Holding['keys']>;
  /** The text is, to the byte, what jwtrot writes for these keys. */
  readonly exact: boolean;
  /** It has entries, and none of them can be told. */
  readonly foreign: boolean;
  /** A private member is in it. */
  readonly leaks: boolean;
}

const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['kty', 'n', 'e'],
  EC: ['kty', 'crv', 'x', 'y'],
  OKP: ['kty', 'crv', 'x'],
};
/** RFC 7518 section 6. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** @returns null when the text is no JWK Set (RFC 7517 section 5) */
export async function readJwks(text: string): Promise<ReadJwks | null> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const entries = isObject(json) ? json['keys'] : undefined;
  if (!Array.isArray(entries)) return null;
  const jwks = entries.filter(isObject);
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

export function hasPrivateMember(jwk: object): boolean {
  return PRIVATE_MEMBERS.some((member) => member in jwk);
}

/** Only what a published JWK may hold: its public members, kid, alg and `use: sig`. */
export function isOurs(jwk: Readonly<Record<string, unknown>>): boolean {
  const publicMembers = MEMBERS[String(jwk['kty'])] ?? [];
  return (
    Object.keys(jwk).length === publicMembers.length + 3 &&
    publicMembers.every((member) => typeof jwk[member] === 'string') &&
    typeof jwk['kid'] === 'string' &&
    isAlgorithm(jwk['alg']) &&
    jwk['use'] === 'sig'
  );
}

async function keyIn(jwk: Readonly<Record<string, unknown>>): Promise<{ kid: string | null; thumbprint: string }> {
  const kid = typeof jwk['kid'] === 'string' && jwk['kid'] !== '' ? jwk['kid'] : null;
  const members = MEMBERS[String(jwk['kty'])];
  if (members === undefined || !members.every((member) => typeof jwk[member] === 'string'))
    return { kid, thumbprint: '' };
  const publicJwk = Object.fromEntries(members.map((member) => [member, jwk[member]])) as unknown as PublicJwk;
  return { kid, thumbprint: await thumbprintOf(publicJwk) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
