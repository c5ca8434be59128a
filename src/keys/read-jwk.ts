import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { badKey } from './bad-key.js';

export interface ReadJwk {
  /** Private when the JWK is. */
  readonly key: KeyObject;
  /** From the public members alone. */
  readonly publicKey: KeyObject;
  readonly kid: string | null;
  readonly alg: string | null;
}

const PUBLIC_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
};
const PRIVATE_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['d', 'p', 'q', 'dp', 'dq', 'qi'],
  EC: ['d'],
  OKP: ['d'],
};

/**
 * A JWK (RFC 7517), or a JWK Set with exactly one. Its members become strings: JSON leaves no choice. No error carries
 * a cause, since those of JSON.parse and of node:crypto quote what they were given.
 * @throws JwtrotError `bad-key`
 */
export function readJwk(text: Buffer): ReadJwk {
  const jwk = theOne(parse(text));
  const { kty } = jwk;
  if (kty === 'oct') throw badKey('the JWK is a symmetric key (kty oct); only key pairs can be rotated this way');
  const publicNames = typeof kty === 'string' ? PUBLIC_MEMBERS[kty] : undefined;
  if (typeof kty !== 'string' || publicNames === undefined) throw badKey('the JWK has no kty out of RSA, EC and OKP');
  if (jwk['use'] !== undefined && jwk['use'] !== 'sig')
    throw badKey('the JWK is not for signatures: its use is not sig');
  const half = { kty, ...pick(jwk, publicNames) };
  const publicKey = made(() => createPublicKey({ key: half, format: 'jwk' }));
  const identity = { publicKey, kid: kidOf(jwk), alg: textOf(jwk, 'alg') };
  const privateNames = PRIVATE_MEMBERS[kty] ?? [];
  if (![...privateNames, 'oth'].some((name) => jwk[name] !== undefined)) return { key: publicKey, ...identity };
  if (jwk['oth'] !== undefined) throw badKey('the JWK is an RSA key of more than two primes, which is not supported');
  const whole = { ...half, ...pick(jwk, privateNames) };
  if (kty === 'RSA') assertRsaAgrees(whole);
  return { key: made(() => createPrivateKey({ key: whole, format: 'jwk' })), ...identity };
}

type Members = Record<string, unknown>;

function parse(text: Buffer): Members {
  let json: unknown;
  try {
    json = JSON.parse(text.toString('utf8'));
  } catch {
    throw badKey('it is not JSON, or there is more after it');
  }
  if (!isObject(json)) throw badKey('the JSON is not an object: neither a JWK nor a JWK Set');
  return json;
}

function theOne(json: Members): Members {
  if (json['keys'] === undefined) return json;
  const keys = Array.isArray(json['keys']) ? json['keys'] : [];
  const first: unknown = keys[0];
  if (keys.length !== 1 || !isObject(first)) {
    throw badKey(
      `the JWK Set holds ${keys.length} keys; which one is meant can't be told`,
      'give a file with the one JWK alone',
    );
  }
  return first;
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function pick(jwk: Members, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = jwk[name];
    if (typeof value !== 'string' || value === '') throw badKey(`the JWK lacks its member ${name}`);
    if (name !== 'crv' && !/^[A-Za-z0-9_-]+$/.test(value)) throw badKey(`the JWK's member ${name} is not base64url`);
    picked[name] = value;
  }
  return picked;
}

function textOf(jwk: Members, name: string): string | null {
  const value = jwk[name];
  if (value === undefined) return null;
  if (typeof value !== 'string') throw badKey(`the JWK's member ${name} is not a string`);
  return value;
}

function kidOf(jwk: Members): string | null {
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

/** OpenSSL repairs a signature that wrong CRT members spoil, so trying the key does not show them. */
function assertRsaAgrees(jwk: JsonWebKey): void {
  const number = (name: 'n' | 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi') =>
    BigInt(`0x0${Buffer.from(jwk[name] ?? '', 'base64url').toString('hex')}`);
  const [n, d, p, q] = [number('n'), number('d'), number('p'), number('q')];
  const agrees =
    p > 1n &&
    q > 1n &&
    p * q === n &&
    number('dp') === d % (p - 1n) &&
    number('dq') === d % (q - 1n) &&
    (number('qi') * q) % p === 1n;
  if (!agrees) throw badKey('the private members of the JWK do not belong to its public ones');
}
