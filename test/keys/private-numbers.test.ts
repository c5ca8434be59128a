import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromBase64, toBase64, toBase64url } from '../../src/keys/base64.js';
import { cutNumbers } from '../../src/keys/cut-numbers.js';
import { compare, type Natural, natural, product, remainder, subtract } from '../../src/keys/natural.js';
import { privateNumbersOf, toPkcs8 } from '../../src/keys/pkcs8.js';
import { publicJwkOfKey } from '../../src/keys/public-key.js';

const KEYS: readonly (readonly [string, KeyObject])[] = [
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
  ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
  ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey],
  ['Ed25519', generateKeyPairSync('ed25519').privateKey],
];

describe('private numbers as bytes', () => {
  it.each(KEYS)('of %s are those of the JWK, and make the same PKCS#8 again', (_, key) => {
    const der = key.export({ format: 'der', type: 'pkcs8' });
    const { d, p, q, dp, dq, qi } = key.export({ format: 'jwk' });
    const numbers = privateNumbersOf(der, publicJwkOfKey(key));
    const text = Object.fromEntries(Object.entries(numbers).map(([name, n]) => [name, toBase64url(n).toString()]));
    expect(text).toEqual(JSON.parse(JSON.stringify({ d, p, q, dp, dq, qi })));
    const made = createPrivateKey({
      key: toPkcs8(publicJwkOfKey(key), numbers) ?? '',
      format: 'der',
      type: 'pkcs8',
    });
    expect(made.export({ format: 'der', type: 'pkcs8' })).toEqual(der);
  });

  it('that begin with zeros, or lack them, are of full length', () => {
    const [, [, key]] = KEYS as [(typeof KEYS)[0], (typeof KEYS)[0]];
    const publicJwk = publicJwkOfKey(key);
    for (const d of [Uint8Array.of(7), Uint8Array.of(0, 7), Buffer.concat([Buffer.alloc(40), Buffer.of(7)])]) {
      const numbers = privateNumbersOf(toPkcs8(publicJwk, { d }) ?? d, publicJwk);
      expect(numbers).toEqual({ d: Buffer.concat([Buffer.alloc(31), Buffer.of(7)]) });
    }
  });

  it('make no key of a curve that we don’t know, nor where one is too long', () => {
    expect(toPkcs8({ kty: 'EC', crv: 'secp256k1', x: 'AA', y: 'AA' }, { d: Uint8Array.of(1) })).toBeNull();
    expect(toPkcs8({ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }, { d: new Uint8Array(33).fill(1) })).toBeNull();
  });
});

describe('base64 of bytes', () => {
  it('is what Buffer makes of them, at every length, and comes back', () => {
    for (let length = 0; length < 70; length++) {
      const bytes = randomBytes(length);
      expect(toBase64(bytes).toString()).toBe(bytes.toString('base64'));
      expect(toBase64url(bytes).toString()).toBe(bytes.toString('base64url'));
      expect(fromBase64(toBase64url(bytes))).toEqual(bytes);
      expect(fromBase64(Buffer.from(bytes.toString('base64').replaceAll('=', '')))).toEqual(bytes);
    }
  });

  it.each(['AA==', 'A A', 'Aé', '\0'])('is not %j', (text) => expect(fromBase64(Buffer.from(text))).toBeNull());
});

describe('natural numbers', () => {
  const value = (number: Natural) => [...number].reduceRight((sum, word) => (sum << 16n) | BigInt(word), 0n);
  const bytesOf = (length: number) => randomBytes(length);
  it('are what BigInt says, of every length', () => {
    for (const length of [1, 2, 3, 16, 33, 128]) {
      const [a, b] = [bytesOf(2 * length), bytesOf(length)];
      const [x, y] = [a, b].map((bytes) => BigInt(`0x${bytes.toString('hex')}`)) as [bigint, bigint];
      if (y === 0n) continue;
      const [m, n] = [natural(a), natural(b)];
      expect(value(product(m, n))).toBe(x * y);
      expect(value(remainder(m, n))).toBe(x % y);
      expect(Math.sign(compare(m, n))).toBe(x < y ? -1 : x > y ? 1 : 0);
      const sum = product(m, n);
      subtract(sum, n);
      expect(value(sum)).toBe(x * y - y);
    }
  });
});

describe('a JWK whose private numbers are cut out', () => {
  it.each([
    ['as one writes it', '{"kty":"EC","d":"AQID","x":"AA"}', { kty: 'EC', d: '#0', x: 'AA' }],
    ['with blanks', '{ "d" :\n\t"AQID" }', { d: '#0' }],
    ['in a set', '{"keys":[{"d":"AQID","p":"BA"}]}', { keys: [{ d: '#0', p: '#1' }] }],
    ['with a kid that looks like one', '{"kid":"d","d":"AQID"}', { kid: 'd', d: '#0' }],
    ['with a quote in a kid', '{"kid":"\\",\\"d\\":\\"x","d":"AQID"}', { kid: '","d":"x', d: '#0' }],
    ['with a number instead', '{"d":7,"p":"AQID"}', { d: 7, p: '#0' }],
  ])('%s', (_, text, expected) => {
    const cut = cutNumbers(Buffer.from(text));
    expect(JSON.parse(cut.text)).toEqual(expected);
    expect(cut.numberOf('#0')).toEqual(Buffer.from([1, 2, 3]));
    cut.wipe();
    expect(cut.numberOf('#0')).toEqual(Buffer.alloc(3));
  });

  it.each(['{"d":"AQID', '{"d":"A!"}', '{"d":"+/+/"}', '{"d":""}', '"', '\\"d":"\\', '{"d":"AQ\\"'])(
    'leaves nothing that is none: %s',
    (text) => {
      const { numberOf } = cutNumbers(Buffer.from(text));
      expect(['#1', '#', '#x', 'AQID', ''].map(numberOf)).toEqual([null, null, null, null, null]);
    },
  );
});
