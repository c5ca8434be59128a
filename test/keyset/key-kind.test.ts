import { describe, expect, it } from 'vitest';
import {
  changeText,
  isOtherKind,
  kindOf,
  kindText,
  nextKind,
  pendingChange,
} from '../../src/keyset/questions/key-kind.js';
import { withParts } from '../support/manifest.js';
import { POLICY, settled } from './story.js';

/** A modulus of so many bits, as base64url (RFC 7518 section 6.3.1.1). */
const rsa = (bits: number) =>
  ({ kty: 'RSA', n: Buffer.alloc(bits / 8, 0xff).toString('base64url'), e: 'AQAB' }) as const;
const ec = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' } as const;

function signing(alg: 'RS256' | 'ES256', publicJwk: ReturnType<typeof rsa> | typeof ec) {
  return withParts(settled().known, 'k1', { alg, publicJwk });
}

describe('the kind of a key', () => {
  it.each([2048, 3072, 4096] as const)('has the %i bits of its modulus', (bits) => {
    expect(kindOf({ alg: 'PS256', publicJwk: rsa(bits) })).toEqual({ alg: 'PS256', modulusLength: bits });
  });

  it('has no length where it is no RSA key, or one that jwtrot does not make', () => {
    expect(kindOf({ alg: 'ES256', publicJwk: ec }).modulusLength).toBeNull();
    expect(kindOf({ alg: 'RS256', publicJwk: rsa(2560) }).modulusLength).toBeNull();
  });

  it('differs by algorithm, and by length where both are known', () => {
    const [short, long] = [
      kindOf({ alg: 'RS256', publicJwk: rsa(2048) }),
      kindOf({ alg: 'RS256', publicJwk: rsa(3072) }),
    ];
    expect(isOtherKind(short, long)).toBe(true);
    expect(isOtherKind(short, { ...long, modulusLength: null })).toBe(false);
    expect(isOtherKind(short, { ...short, alg: 'RS512' })).toBe(true);
  });

  it('is told in words', () => {
    expect(kindText({ alg: 'RS256', modulusLength: 3072 })).toBe('RS256, 3072 bits');
    expect(kindText({ alg: 'ES256', modulusLength: null })).toBe('ES256');
  });
});

describe('a change in the configuration', () => {
  const policy = { ...POLICY, alg: 'RS256', modulusLength: 3072 } as const;

  it('of the length waits until it is asked for, as one of the algorithm does', () => {
    const manifest = signing('RS256', rsa(2048));
    expect(nextKind(manifest, policy, false)).toEqual({ alg: 'RS256', modulusLength: 2048 });
    expect(nextKind(manifest, policy, true)).toEqual({ alg: 'RS256', modulusLength: 3072 });
    expect(changeText(manifest, policy)).toBe(
      'the configuration asks for RS256, 3072 bits; keys stay RS256, 2048 bits until jwtrot rotate --change-alg',
    );
    expect(changeText(signing('ES256', ec), policy)).toContain('keys stay ES256 until');
  });

  it('is none where keys are what it says, or none signs yet', () => {
    expect(pendingChange(signing('RS256', rsa(3072)), policy)).toBeNull();
    expect(pendingChange({ ...signing('RS256', rsa(2048)), keys: [] }, policy)).toBeNull();
    expect(nextKind(null, policy, false)).toEqual({ alg: 'RS256', modulusLength: 3072 });
  });

  it('does not wait where the key in use was imported with a length of its own', () => {
    expect(nextKind(signing('RS256', rsa(2560)), policy, false)).toEqual({ alg: 'RS256', modulusLength: 3072 });
    expect(pendingChange(signing('RS256', rsa(2560)), policy)).toBeNull();
  });
});
