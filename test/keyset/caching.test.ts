import { describe, expect, it } from 'vitest';
import { DAY, HOUR } from '../../src/keyset/basics/clock.js';
import { cachedLonger } from '../../src/keyset/questions/caching.js';

const POLICY = { jwksMaxAge: HOUR, publishAhead: DAY, clockSkew: 60_000 };
const at = (host: string, maxAge: number) => ({ url: `https://${host}/jwks.json`, maxAge });

describe('how long a JWKS is cached', () => {
  it('may be as long as the policy reckons with', () => {
    expect(cachedLonger(POLICY, [])).toBeNull();
    expect(cachedLonger(POLICY, [at('id', HOUR), at('cdn', 0)])).toBeNull();
  });

  it('is too long beyond that: each server is named, and what the policy would have to be', () => {
    expect(cachedLonger(POLICY, [at('id', 2 * HOUR), at('fine', HOUR), at('cdn', 3 * HOUR)])).toEqual({
      message:
        'verifiers may cache the JWKS from https://id/jwks.json for 2h (max-age=7200), from https://cdn/jwks.json for 3h (max-age=10800), and jwksMaxAge is 1h: they would reject tokens of a key that they have not seen yet',
      hint: "raise jwksMaxAge to at least 3h, or lower max-age in the server's Cache-Control",
    });
    expect(cachedLonger(POLICY, [at('id', DAY)])?.hint).toBe(
      "raise jwksMaxAge to at least 1d and publishAhead to at least 1d1m, or lower max-age in the server's Cache-Control",
    );
  });
});
