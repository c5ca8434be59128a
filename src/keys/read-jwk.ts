import { createPublicKey, type KeyObject } from 'node:crypto';
import { decodeJson, isJsonObject, type Json, type JsonObject } from '../keyset/basics/foreign-json.js';
import type { PublicJwk } from '../keyset/manifest/key.js';
import { acceptablePublicJwk } from './acceptable.js';
import { badKey } from './bad-key.js';
import { cutNumbers } from './cut-numbers.js';
import { privateKeyObject } from './halves.js';
import { membersOf } from './jwk-members.js';
import { type PrivateNumbers, toPkcs8 } from './pkcs8.js';
import { assertRsaAgrees } from './rsa-arithmetic.js';

export interface ReadJwk {
  /** Private when the JWK is. */
  readonly key: KeyObject;
  /** Made from the public members only. */
  readonly publicKey: KeyObject;
  readonly kid: string | null;
  readonly alg: string | null;
  /** The member `jwtrot` of a delivered key; null: it has none. */
  readonly jwtrot: Json;
}

/** `any`: the numbers of an RSA key are proved to agree, which takes 100 ms. `delivered`: jwtrot wrote it, and has proved that. */
export type JwkOrigin = 'any' | 'delivered';

/**
 * Reads a JWK (RFC 7517), or a JWK Set with exactly one key. Private members stay bytes, so that they can be overwritten.
 * No error has a cause, since errors of JSON.parse and node:crypto quote their input.
 * @throws JwtrotError `bad-key`
 */
export function readJwk(text: Buffer, origin: JwkOrigin = 'any'): ReadJwk {
  const cut = cutNumbers(text);
  try {
    return jwkOf(theOne(parse(cut.text)), cut.numberOf, origin);
  } finally {
    cut.wipe();
  }
}

function jwkOf(jwk: JsonObject, numberOf: (value: string) => Uint8Array | null, origin: JwkOrigin): ReadJwk {
  const { kty } = jwk;
  if (kty === 'oct') throw badKey('the JWK is a symmetric key (kty oct); only key pairs can be rotated this way');
  const members = membersOf(kty);
  if (members === undefined) throw badKey('the JWK has no kty out of RSA, EC and OKP');
  if (jwk['use'] !== undefined && jwk['use'] !== 'sig')
    throw badKey('the JWK is not for signatures: its use is not sig');
  const half = pick(jwk, members.required);
  const publicKey = made(() => createPublicKey({ key: half, format: 'jwk' }));
  const identity = { publicKey, kid: kidOf(jwk), alg: textOf(jwk, 'alg'), jwtrot: jwk['jwtrot'] ?? null };
  const privateNames = members.private;
  if (![...privateNames, 'oth'].some((name) => jwk[name] !== undefined)) return { key: publicKey, ...identity };
  if (jwk['oth'] !== undefined) throw badKey('the JWK is an RSA key with more than two primes, which is not supported');
  const publicJwk = acceptablePublicJwk(publicKey);
  const numbers: PrivateNumbers = Object.fromEntries(privateNames.map((name) => [name, secret(jwk, name, numberOf)]));
  if (publicJwk.kty === 'RSA' && origin === 'any') assertRsaAgrees(publicJwk, numbers);
  return { key: made(() => privateKeyOf(publicJwk, numbers)), ...identity };
}

function privateKeyOf(publicJwk: PublicJwk, numbers: PrivateNumbers): KeyObject {
  const der = toPkcs8(publicJwk, numbers);
  if (der === null) throw new Error('no key of a kind that we know');
  try {
    return privateKeyObject(der);
  } finally {
    der.fill(0);
  }
}

function secret(jwk: JsonObject, name: string, numberOf: (value: string) => Uint8Array | null): Uint8Array {
  const value = jwk[name];
  if (typeof value !== 'string' || value === '') throw badKey(`the JWK lacks its member ${name}`);
  const number = numberOf(value);
  if (number === null) throw badKey(`the JWK's member ${name} is not base64url`);
  return number;
}

function parse(text: string): JsonObject {
  const decoded = decodeJson(text);
  if (!decoded.ok) throw badKey(`it is ${decoded.reason}, or there is more after it`);
  const json = decoded.value;
  if (!isJsonObject(json)) throw badKey('the JSON is not an object: neither a JWK nor a JWK Set');
  return json;
}

function theOne(json: JsonObject): JsonObject {
  if (json['keys'] === undefined) return json;
  const keys = Array.isArray(json['keys']) ? json['keys'] : [];
  const first: unknown = keys[0];
  if (keys.length !== 1 || !isJsonObject(first)) {
    throw badKey(
      `the JWK Set holds ${keys.length} keys; which one is meant can't be told`,
      'give a file with the one JWK alone',
    );
  }
  return first;
}

function pick(jwk: JsonObject, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = jwk[name];
    if (typeof value !== 'string' || value === '') throw badKey(`the JWK lacks its member ${name}`);
    if (name !== 'crv' && name !== 'kty' && !/^[A-Za-z0-9_-]+$/.test(value))
      throw badKey(`the JWK's member ${name} is not base64url`);
    picked[name] = value;
  }
  return picked;
}

function textOf(jwk: JsonObject, name: string): string | null {
  const value = jwk[name];
  if (value === undefined) return null;
  if (typeof value !== 'string') throw badKey(`the JWK's member ${name} is not a string`);
  return value;
}

function kidOf(jwk: JsonObject): string | null {
  const kid = textOf(jwk, 'kid');
  if (kid === null || (kid.length > 0 && kid.length <= 256)) return kid;
  throw badKey("the JWK's kid is empty or longer than 256 characters");
}

function made(make: () => KeyObject): KeyObject {
  try {
    return make();
  } catch {
    throw badKey('the JWK is not a key: a member is damaged, or its curve is not one of P-256, P-384, P-521, Ed25519');
  }
}
