import type { JWTHeaderParameters, JWTVerifyOptions } from 'jose';
import { jwtVerify } from 'jose/jwt/verify';
import { isAlgorithm } from '../keyset/basics/algorithm.js';
import { misuse, refused } from './failures.js';
import type { VerifyingKey } from './key-set.js';
import type { Verified, VerifyOptions } from './public.js';
import { tokenRefusal } from './token-refusal.js';
import type { CryptoKey } from './web-crypto.js';

/** A token has three parts of a few hundred bytes; a longer one costs time and is nobody's. */
const LONGEST_TOKEN = 64 * 1024;
/**
 * RFC 7515 section 2, RFC 4648 section 3.5: the same bytes have one text. Otherwise a list of refused tokens is got round
 * with a blank, a line break, or another last character that decodes to the same bytes.
 */
const PART = '(?:[\\w-]{4})*(?:[\\w-][AQgw]|[\\w-]{2}[AEIMQUYcgkosw048])?';
const TOKEN = new RegExp(`^${PART}\\.${PART}\\.${PART}$`);
/** RFC 7515 section 4.1: a token that brings its own key, or says where to fetch one. Nobody here asks it. */
const OWN_KEYS = ['jku', 'jwk', 'x5u', 'x5c'] as const;
const LONGEST_KID = 256;
const REQUIRED = ['exp'];

export interface Verifying {
  /** The key of a kid; null: there is none. May read the source first. */
  find(kid: string): VerifyingKey | null | Promise<VerifyingKey | null>;
  now(): number;
  /** Seconds. */
  readonly clockTolerance: number;
}

/** @throws KeyringError */
export async function verifyToken(token: string, options: VerifyOptions, verifying: Verifying): Promise<Verified> {
  const wanted = wantedOf(options);
  if (typeof token !== 'string') throw refused('bad-token', 'it is no token: not a string');
  if (token.length > LONGEST_TOKEN) throw refused('bad-token', `the token is longer than ${LONGEST_TOKEN} characters`);
  if (!TOKEN.test(token)) throw refused('bad-token', 'it is no signed token: not three parts in base64url');
  wanted.requiredClaims = REQUIRED;
  wanted.clockTolerance = verifying.clockTolerance;
  wanted.currentDate = new Date(verifying.now());
  try {
    // The algorithm is judged with the key, which is pinned to its own.
    const { payload, protectedHeader } = await jwtVerify(token, (header) => keyFor(header, verifying), wanted);
    return { payload, protectedHeader: protectedHeader as Verified['protectedHeader'] };
  } catch (error) {
    throw tokenRefusal(error);
  }
}

function keyFor(header: JWTHeaderParameters, { find }: Verifying): CryptoKey | Promise<CryptoKey> {
  const { kid, alg } = header;
  if (!isAlgorithm(alg)) throw refused('alg-refused', "the token's alg is not one that signs with a key pair");
  for (const name of OWN_KEYS)
    if (Object.hasOwn(header, name))
      throw refused('header-refused', `the token's header has ${name}: a key of its own is not looked at`);
  if (typeof kid !== 'string' || kid === '' || kid.length > LONGEST_KID)
    throw refused('kid-missing', "the token's header has no kid that a key could have");
  const held = find(kid);
  return held instanceof Promise ? held.then((key) => pinnedIn(key, alg)) : pinnedIn(held, alg);
}

function pinnedIn(key: VerifyingKey | null, alg: string): CryptoKey {
  if (key === null) throw refused('unknown-kid', "no published key has the token's kid");
  const pinned = key.pinned.get(alg);
  if (pinned === undefined) throw refused('alg-refused', "the token's alg is not that of the key with its kid");
  return pinned;
}

/** An expectation that is missing by mistake would accept anything, so each is given or waived. */
function wantedOf(options: VerifyOptions): JWTVerifyOptions {
  const { issuer, audience, type }: Partial<VerifyOptions> = options ?? {};
  const wanted: JWTVerifyOptions = {};
  if (issuer !== null) wanted.issuer = oneOrMore(issuer, 'issuer');
  if (audience !== null) wanted.audience = oneOrMore(audience, 'audience');
  if (type !== null) wanted.typ = isText(type) ? type : missing('type');
  return wanted;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function oneOrMore(value: string | readonly string[] | undefined, name: string): string | string[] {
  if (isText(value)) return value;
  return Array.isArray(value) && value.length > 0 && value.every(isText) ? value : missing(name);
}

function missing(name: string): never {
  throw misuse('bad-options', `verify: ${name} must be given; null waives it`);
}
