import { describe, expect, it } from 'vitest';
import { thumbprintOf } from '../../src/keys/thumbprint.js';

describe('a thumbprint', () => {
  it('is the one of RFC 7638 section 3.1', async () => {
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw';
    expect(await thumbprintOf({ kty: 'RSA', n, e: 'AQAB' })).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs');
  });

  it('does not depend on the order of the members, and leaves out what is not required', async () => {
    const jwk = { y: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4', x: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM' };
    const ordered = { kty: 'EC', crv: 'P-256', x: jwk.x, y: jwk.y } as const;
    const other = { use: 'sig', kid: '1', ...jwk, kty: 'EC', crv: 'P-256' } as const;
    expect(await thumbprintOf(other)).toBe(await thumbprintOf(ordered));
  });
});
