import { describe, expect, it } from 'vitest';
import { quoteOutside } from '../../src/keyset/basics/outside-text.js';
import { jwkSetText, outletContent, toJwkSet, wantedKeys } from '../../src/keyset/published/jwk-set.js';
import { emptyManifest, givenUp, stage } from '../../src/keyset/transitions/all.js';
import { DAY, JWKS, newKey, rotated, SIGNER_JWK, START, Story, settled, staged, switching } from './story.js';

describe('the JWKS', () => {
  it('holds pending, active and deprecated keys, oldest first, each with kid, alg and use', () => {
    const story = rotated();
    story.run({ force: true });
    expect(toJwkSet(story.known)).toEqual({
      keys: ['k1', 'k2', 'k3'].map((kid) => ({
        kty: 'EC',
        crv: 'P-256',
        x: kid,
        y: 'y',
        kid,
        alg: 'ES256',
        use: 'sig',
      })),
    });
  });

  it('is the same text whichever key signs: a switch alone reloads no verifier', () => {
    const before = jwkSetText(toJwkSet(staged().known));
    expect(jwkSetText(toJwkSet(switching().known))).toBe(before);
  });

  it('holds no retired key and no tombstone', () => {
    const story = rotated();
    for (const days of [9, 8]) {
      story.now += days * DAY;
      story.run();
      expect(toJwkSet(story.known).keys.map((key) => key.kid)).toEqual(['k2']);
    }
    expect(story.key('k1').state).toBe('destroyed');
  });
});

describe('what outlets must hold', () => {
  it('is no empty set for the sake of a key that nobody ever saw', () => {
    const story = new Story();
    const named = stage(emptyManifest('api'), newKey('k1'), { forced: false, immediate: false, former: null }, START);
    story.manifest = givenUp(named, 'k1', START, START);
    story.retire('k1', { noReplacement: true });
    expect(outletContent(story.known)).toMatchObject({ jwks: { keys: [] }, allowEmpty: false });
  });

  it('is the JWKS, and for signers the active key', () => {
    const content = outletContent(staged().known);
    expect(wantedKeys(staged().known, JWKS)).toEqual(['k1', 'k2']);
    expect(wantedKeys(staged().known, SIGNER_JWK)).toEqual(['k1']);
    expect(content.active).toMatchObject({ kid: 'k1', alg: 'ES256' });
    expect(content.knownKids).toEqual(['k1', 'k1'.padEnd(43, '_'), 'k2', 'k2'.padEnd(43, '_')]);
  });

  it('is nothing before the first key, and an empty set only when it was asked for', () => {
    expect(wantedKeys(emptyManifest('api'), JWKS)).toBeNull();
    const story = settled();
    story.retire('k1', { noReplacement: true });
    expect(wantedKeys(story.known, JWKS)).toEqual([]);
    expect(wantedKeys(story.known, SIGNER_JWK)).toBeNull();
    story.manifest = { ...story.known, retirements: [] };
    expect(wantedKeys(story.known, JWKS)).toBeNull();
  });
});

describe('text from outside', () => {
  it.each([
    ['plain', '"plain"'],
    ['a\nb\u001b[31m', '"a\\nb\\u001b[31m"'],
    ['\u009b31m\u202e\u2028\ufeff', '"\\u009b31m\\u202e\\u2028\\ufeff"'],
    ['"quoted"', '"\\"quoted\\""'],
    ['\u061c\u2066\u00ad\u{e0041}\ud800', '"\\u061c\\u2066\\u00ad\\udb40\\udc41\\ud800"'],
    ['ключ 🔑 é', '"ключ 🔑 é"'],
  ])('%j is one line that no terminal acts on', (text, quoted) => {
    expect(quoteOutside(text)).toBe(quoted);
  });

  it('is cut to 200 characters', () => {
    for (const text of [`x${'🔑'.repeat(200)}`, `xy${'🔑'.repeat(200)}`]) {
      expect(quoteOutside(text)).not.toMatch(/\p{Cs}/u);
    }
    for (const text of ['x'.repeat(1e6), '\n'.repeat(500), '\u202e'.repeat(500)]) {
      expect(quoteOutside(text).length).toBeLessThanOrEqual(200);
      expect(quoteOutside(text)).toMatch(/^".*…"$/);
    }
  });
});
