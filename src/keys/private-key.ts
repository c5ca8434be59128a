import { createPrivateKey } from 'node:crypto';
import type { Algorithm } from '../keyset/algorithm.js';
import { view } from './public-key.js';

/*
 * Private keys as they are delivered. What comes back is a Buffer that the caller overwrites. node:crypto parses a key
 * into memory of OpenSSL's own, which OpenSSL clears when the KeyObject is collected.
 */

const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const LINE = 64;

/**
 * PEM (RFC 7468) of a PKCS#8 key. Encoded here, byte by byte: Buffer's and node:crypto's own encoders return strings,
 * and a JavaScript string can't be overwritten.
 */
export function toPkcs8Pem(der: Uint8Array): Buffer {
  const begin = '-----BEGIN PRIVATE KEY-----\n';
  const end = '-----END PRIVATE KEY-----\n';
  const characters = 4 * Math.ceil(der.length / 3);
  const pem = Buffer.alloc(begin.length + characters + Math.ceil(characters / LINE) + end.length);
  let at = pem.write(begin, 'latin1');
  for (let group = 0; group < der.length; group += 3) {
    const left = der.length - group;
    const bits = (byte(der, group) << 16) | (byte(der, group + 1) << 8) | byte(der, group + 2);
    pem[at++] = byte(BASE64, bits >>> 18);
    pem[at++] = byte(BASE64, (bits >>> 12) & 63);
    pem[at++] = left > 1 ? byte(BASE64, (bits >>> 6) & 63) : 0x3d;
    pem[at++] = left > 2 ? byte(BASE64, bits & 63) : 0x3d;
    if ((group + 3) % (LINE * 0.75) === 0 || left <= 3) pem[at++] = 0x0a;
  }
  pem.write(end, at, 'latin1');
  return pem;
}

/**
 * A private JWK (RFC 7517) as JSON text. node:crypto hands out its members as strings, and JSON is made as one: these
 * stay in the heap until it is collected, at the latest until the process ends. `format: pem` has no such rest.
 */
export function toPrivateJwk(der: Uint8Array, { kid, alg }: { kid: string; alg: Algorithm }): Buffer {
  const key = createPrivateKey({ key: view(der), format: 'der', type: 'pkcs8' });
  const { kty, crv, n, e, x, y, d, p, q, dp, dq, qi } = key.export({ format: 'jwk' });
  return Buffer.from(
    `${JSON.stringify({ kty, crv, n, e, x, y, kid, alg, use: 'sig', d, p, q, dp, dq, qi }, null, 2)}\n`,
  );
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
