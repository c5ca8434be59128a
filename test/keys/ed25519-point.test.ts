import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ed25519Problem } from '../../src/keys/ed25519-point.js';
import { parseKey } from '../../src/keys/import-key.js';

const hex = (text: string) => Buffer.from(text, 'hex');

/** The eight points whose order divides 8, in their canonical form. */
const SMALL = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
];

describe('an Ed25519 public key', () => {
  it('is taken as it is made', () => {
    for (let i = 0; i < 50; i += 1) {
      const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
      expect(ed25519Problem(Buffer.from(String(x), 'base64url'))).toBeNull();
    }
    // RFC 8032 section 7.1, test 1.
    expect(ed25519Problem(hex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'))).toBeNull();
  });

  it.each(SMALL)('is refused as %s: of small order', (text) => {
    expect(ed25519Problem(hex(text))).toBe('small-order');
  });

  it.each([
    ['no point', '0200000000000000000000000000000000000000000000000000000000000000'],
    ['the neutral element, written otherwise', 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
    ['zero with a sign', '0100000000000000000000000000000000000000000000000000000000000080'],
    ['beyond the field', 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'],
    ['too short', '00'],
  ])('is refused when it is %s', (_, text) => {
    expect(ed25519Problem(hex(text))).toBe('off-curve');
  });

  it('is refused at import, as PEM and as JWK', async () => {
    const [small = '', off = '0200000000000000000000000000000000000000000000000000000000000000'] = SMALL.slice(4, 5);
    for (const [text, words] of [
      [small, 'small order'],
      [off, 'not a point on its curve'],
    ] as const) {
      const spki = Buffer.concat([hex('302a300506032b6570032100'), hex(text)]).toString('base64');
      const pem = `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`;
      const jwk = JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: hex(text).toString('base64url') });
      for (const given of [pem, jwk])
        await expect(parseKey(Buffer.from(given), { kind: 'public' })).rejects.toMatchObject({
          code: 'bad-key',
          message: expect.stringContaining(words),
        });
    }
  });
});

describe('an EC public key', () => {
  it.each([
    ['off its curve', 'AQ', 'Ag'],
    ['at infinity', 'AA', 'AA'],
  ])('is refused when it is %s', async (_, x, y) => {
    const pad = (short: string) =>
      Buffer.concat([Buffer.alloc(31), Buffer.from(short, 'base64url')]).toString('base64url');
    const jwk = JSON.stringify({ kty: 'EC', crv: 'P-256', x: pad(x), y: pad(y) });
    await expect(parseKey(Buffer.from(jwk), { kind: 'public' })).rejects.toMatchObject({ code: 'bad-key' });
  });
});
