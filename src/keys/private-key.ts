import type { Algorithm } from '../keyset/basics/algorithm.js';
import type { Told } from '../keyset/published/told.js';
import { toBase64, toBase64url } from './base64.js';
import { privateNumbersOf } from './pkcs8.js';
import { publicJwkOf } from './public-key.js';
import { secretBytes } from './secret-bytes.js';

/*
 * Encodes private keys for delivery byte by byte. node:crypto's own encoders return strings, which can't be overwritten.
 * The caller overwrites the returned Buffer. OpenSSL clears its copies when the KeyObject is garbage-collected.
 */

const LINE = 64;

/** PEM (RFC 7468) of a PKCS#8 key. */
export function toPkcs8Pem(der: Uint8Array): Buffer {
  const begin = '-----BEGIN PRIVATE KEY-----\n';
  const end = '-----END PRIVATE KEY-----\n';
  const text = toBase64(der);
  const pem = secretBytes(begin.length + text.length + Math.ceil(text.length / LINE) + end.length);
  let at = pem.write(begin, 'latin1');
  for (let from = 0; from < text.length; from += LINE) {
    at += text.copy(pem, at, from, from + LINE);
    pem[at++] = 0x0a;
  }
  pem.write(end, at, 'latin1');
  text.fill(0);
  return pem;
}

export interface JwkNames {
  readonly kid: string;
  readonly alg: Algorithm;
  /** What the JWK tells its signer. Null: nothing, as one of jwtrot 0.1.0. */
  readonly told: Told | null;
}

/** A private JWK (RFC 7517) as JSON text. */
export function toPrivateJwk(der: Uint8Array, { kid, alg, told }: JwkNames): Buffer {
  const publicJwk = publicJwkOf(der);
  const begin = Buffer.from(
    JSON.stringify({ ...publicJwk, kid, alg, use: 'sig', ...(told && { jwtrot: told }) }, null, 2).slice(0, -2),
  );
  const secret = Object.entries(privateNumbersOf(der, publicJwk)).map(([name, number]) => ({
    name: Buffer.from(`,\n  "${name}": "`),
    text: toBase64url(number),
  }));
  const jwk = Buffer.concat([
    begin,
    ...secret.flatMap(({ name, text }) => [name, text, Buffer.from('"')]),
    Buffer.from('\n}\n'),
  ]);
  for (const { text } of secret) text.fill(0);
  return jwk;
}
