import { expect } from 'vitest';
import type { TestPair } from '../support/manifest.js';

/** No twelve characters of the private half, in any of its usual spellings, spaces and line ends aside. */
export function expectNoKey(text: string, { privateKey }: TestPair): void {
  const der = Buffer.from(privateKey);
  // The private number of an EC key in PKCS#8 (RFC 5915): 32 bytes after its header.
  const secret = der.subarray(36, 68);
  const spellings = [der, secret].flatMap((bytes) => [
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ]);
  const squeezed = text.replace(/[^A-Za-z0-9+/_-]/g, '');
  const private8 = spellings.flatMap((one) =>
    [...Array(Math.max(0, one.length - 12)).keys()].map((at) => one.slice(at, at + 12)),
  );
  // The start of each PKCS#8 key is the same, and so is its public half, which is no secret.
  const publicText = der.subarray(0, 30).toString('base64') + der.subarray(68).toString('base64');
  expect(private8.filter((part) => !publicText.includes(part) && squeezed.includes(part))).toEqual([]);
}
