import { describe, expect, it } from 'vitest';
import { hasPrivateMember } from '../../src/keys/jwk-members.js';
import { readJwks } from '../../src/outlets/read-jwks.js';

/** Names that every object of JavaScript answers for. */
const INHERITED = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf'];

describe('a JWK Set of somebody else’s', () => {
  it.each(INHERITED)('with kty %s has a key that can’t be told, and harms nobody', async (kty) => {
    const read = await readJwks(JSON.stringify({ keys: [{ kty, kid: 'theirs', n: 'AQAB', e: 'AQAB' }] }));
    expect(read).toEqual({ keys: [{ kid: 'theirs', thumbprint: '' }], exact: false, foreign: false, leaks: false });
  });

  it.each([
    [{ kty: { kty: 'RSA' } }],
    [{ kty: ['RSA'] }],
    [{ kty: null }],
    [{ kty: 'RSA', n: ['AQAB'], e: { toString: 'AQAB' } }],
  ])('with %j as key is foreign', async (jwk) => {
    expect(await readJwks(JSON.stringify({ keys: [jwk] }))).toMatchObject({ keys: [], foreign: true });
  });

  it('is no set when "keys" is a member of its prototype alone', async () => {
    expect(await readJwks('{"__proto__":{"keys":[]}}')).toBeNull();
    expect(await readJwks('{"keys":{"__proto__":[]}}')).toBeNull();
  });

  it('leaks where it says so itself', () => {
    expect(hasPrivateMember({ d: '' })).toBe(true);
    expect(hasPrivateMember(Object.create({ d: '' }) as object)).toBe(false);
  });
});
