import type { PublicJwk } from '../keyset/manifest/key.js';
import { type Der, der, elementsOf, encodeDer } from './der.js';

/*
 * Converts a key's private numbers between PKCS#8 (RFC 5208) and JWK (RFC 7518) as bytes. node:crypto would take and
 * return those of a JWK as strings, which can't be overwritten.
 */

/** Big-endian numbers by JWK name. Those of an RSA key have no leading zeros; others have their full length. */
export type PrivateNumbers = Readonly<Record<string, Uint8Array>>;

/** The private numbers of an RSA key in the order of RFC 8017 appendix A.1.2, where the public ones come first. */
export const RSA_PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const;

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const NULL = 0x05;
const OBJECT_IDENTIFIER = 0x06;
const SEQUENCE = 0x30;
/** RFC 5915 section 3. */
const EC_PUBLIC = 0xa1;
const ZERO = new Uint8Array(1);

const id = (hex: string): Der => der(OBJECT_IDENTIFIER, Buffer.from(hex, 'hex'));
const RSA = der(SEQUENCE, id('2a864886f70d010101'), der(NULL));
const ED25519 = der(SEQUENCE, id('2b6570'));
const EC = id('2a8648ce3d0201');
const CURVES = new Map([
  ['P-256', { curve: id('2a8648ce3d030107'), length: 32 }],
  ['P-384', { curve: id('2b81040022'), length: 48 }],
  ['P-521', { curve: id('2b81040023'), length: 66 }],
]);

/** @param pkcs8 as OpenSSL writes it @returns views of `pkcs8`: overwriting it overwrites them */
export function privateNumbersOf(pkcs8: Uint8Array, { kty }: Pick<PublicJwk, 'kty'>): PrivateNumbers {
  const [info = pkcs8] = elementsOf(pkcs8);
  const [key = pkcs8] = elementsOf(elementsOf(info)[2] ?? pkcs8);
  if (kty === 'OKP') return { d: key };
  const numbers = elementsOf(key);
  if (kty === 'EC') return { d: numbers[1] ?? key };
  return Object.fromEntries(RSA_PRIVATE.map((name, i) => [name, significant(numbers[i + 3] ?? key)]));
}

/**
 * Assembles PKCS#8 as OpenSSL writes it. The caller checks that the halves match.
 * @returns null when the curve is unknown or `d` is too long for it
 */
export function toPkcs8(publicJwk: PublicJwk, numbers: PrivateNumbers): Buffer | null {
  const { d = ZERO } = numbers;
  if (publicJwk.kty === 'RSA') {
    const halves = [publicJwk.n, publicJwk.e].map(bytesOf);
    const all = [ZERO, ...halves, ...RSA_PRIVATE.map((name) => numbers[name] ?? ZERO)];
    return privateKeyInfo(RSA, der(SEQUENCE, ...all.map(integer)));
  }
  if (publicJwk.kty === 'OKP') return privateKeyInfo(ED25519, der(OCTET_STRING, d));
  const known = CURVES.get(publicJwk.crv);
  const number = significant(d);
  if (known === undefined || number.length > known.length) return null;
  const padding = new Uint8Array(known.length - number.length);
  // SEC 1 section 2.3.3: uncompressed.
  const point = der(BIT_STRING, Uint8Array.of(0, 4), bytesOf(publicJwk.x), bytesOf(publicJwk.y));
  const key = der(SEQUENCE, integer(Uint8Array.of(1)), der(OCTET_STRING, padding, number), der(EC_PUBLIC, point));
  return privateKeyInfo(der(SEQUENCE, EC, known.curve), key);
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'base64url');
}

function privateKeyInfo(algorithm: Der, key: Der): Buffer {
  return encodeDer(der(SEQUENCE, integer(ZERO), algorithm, der(OCTET_STRING, key)));
}

/** X.690 section 8.3: as few bytes as possible, with a leading zero where the number would read as negative. */
function integer(number: Uint8Array): Der {
  const bytes = significant(number);
  return (bytes[0] ?? 0x80) < 0x80 ? der(INTEGER, bytes) : der(INTEGER, ZERO, bytes);
}

function significant(number: Uint8Array): Uint8Array {
  const first = number.findIndex((byte) => byte !== 0);
  return number.subarray(first === -1 ? number.length : first);
}
