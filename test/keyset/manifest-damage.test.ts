import { describe, expect, it } from 'vitest';
import { JwtrotError } from '../../src/keyset/basics/error.js';
import { encodeManifest } from '../../src/keyset/manifest/encoding.js';
import { decode, full, type Json, keyIn } from './manifests.js';

async function damage(change: (json: Record<string, unknown>) => void): Promise<JwtrotError> {
  const json = JSON.parse(encodeManifest(full())) as Record<string, unknown>;
  change(json);
  return decode(JSON.stringify(json)).then(
    () => {
      throw new Error('it was read');
    },
    (error: JwtrotError) => error,
  );
}

describe('a damaged manifest', () => {
  const cases: [string, (json: Json) => void, string][] = [
    ['lacks a field', (json) => delete json['keys'], 'keys: expected'],
    ['has a field that is not known', (json) => Object.assign(json, { extra: 1 }), 'extra: expected never'],
    ['names another keyset', (json) => Object.assign(json, { name: 'web' }), 'it is of keyset web'],
    ['has a name that is none', (json) => Object.assign(json, { name: '../api' }), 'name: expected'],
    [
      'leaves no room for the next revision',
      (json) => Object.assign(json, { revision: 9_999_999_999 }),
      'revision: expected <=9000000000',
    ],
    ['has revision 0', (json) => Object.assign(json, { revision: 0 }), 'revision: expected >=1'],
    ['has no commit', (json) => Object.assign(json, { commits: [] }), 'commits: expected >=1'],
    ['has a schema of another type', (json) => Object.assign(json, { schema: '2' }), 'schema: expected 1'],
    [
      'has a time without a zone',
      (json) => Object.assign(keyIn(json), { createdAt: '2026-01-01T00:00:00' }),
      'createdAt',
    ],
    [
      'has a time that is none',
      (json) => Object.assign(keyIn(json), { createdAt: '2026-13-41T00:00:00.000Z' }),
      'createdAt',
    ],
    ['has a time that is a number', (json) => Object.assign(keyIn(json), { createdAt: 5 }), 'createdAt'],
    ['has a negative duration', (json) => Object.assign(keyIn(json), { verifyFor: -1 }), 'verifyFor: expected >=0'],
    ['has an unknown state', (json) => Object.assign(keyIn(json), { state: 'lost' }), 'state: expected'],
    ['has an unknown algorithm', (json) => Object.assign(keyIn(json), { alg: 'none' }), 'alg: expected'],
    [
      'holds a private member',
      (json) => Object.assign(keyIn(json)['publicJwk'] as Json, { d: 'c2VjcmV0' }),
      'expected never',
    ],
    [
      'has a thumbprint of another shape',
      (json) => Object.assign(keyIn(json), { thumbprint: '../x' }),
      'thumbprint: expected',
    ],
    [
      'holds two active keys',
      (json) =>
        Object.assign(keyIn(json, 2), {
          ...keyIn(json, 1),
          kid: 'k3',
          thumbprint: 'k3'.padEnd(43, '_'),
          version: 3,
          publicJwk: { kty: 'EC', crv: 'P-256', x: 'k3', y: 'y' },
        }),
      '2 keys are active',
    ],
    ['holds a kid twice', (json) => Object.assign(keyIn(json, 0), { kid: 'k3' }), 'two keys have kid k3'],
    ['holds a version twice', (json) => Object.assign(keyIn(json, 0), { version: 2 }), 'two keys have version 2'],
    ['has a key without its public half', (json) => delete keyIn(json, 1)['publicJwk'], 'keys.1.publicJwk: expected'],
    [
      'has an active key without its private half',
      (json) => delete keyIn(json, 1)['hasPrivate'],
      'keys.1.hasPrivate: expected',
    ],
    [
      'has an active key that has ended',
      (json) => Object.assign(keyIn(json, 1), { signedUntil: '2026-01-01T00:00:00.000Z' }),
      'keys.1.signedUntil: expected null',
    ],
    [
      'has an active key that was never activated',
      (json) => delete keyIn(json, 1)['activatedAt'],
      'keys.1.activatedAt: expected',
    ],
    [
      'has a former key without the time of its end',
      (json) => Object.assign(keyIn(json, 2), { state: 'deprecated', signedFrom: '2026-01-01T00:00:00.000Z' }),
      'keys.2.deprecatedAt: expected',
    ],
    [
      'has a tombstone with a public half',
      (json) => Object.assign(keyIn(json, 0), { state: 'destroyed', destroyedAt: '2026-01-01T00:00:00.000Z' }),
      'keys.0.publicJwk: expected null',
    ],
    [
      'has a key of another algorithm',
      (json) => Object.assign(keyIn(json, 1), { alg: 'RS256' }),
      'is not a key for RS256',
    ],
    ['has a key of another curve', (json) => Object.assign(keyIn(json, 1), { alg: 'ES384' }), 'is not a key for ES384'],
    ['has a retired key without a reason', (json) => delete keyIn(json, 0)['reason'], 'keys.0.reason: expected'],
    [
      'rolls out a key that is not there',
      (json) => Object.assign(json['rollout'] as Json, { kid: 'k9' }),
      'the rollout is of k9',
    ],
    [
      'goes back to nothing',
      (json) => Object.assign(json['rollout'] as Json, { direction: 'back', phase: 'switch', former: undefined }),
      'rollout.former: expected',
    ],
    [
      'goes back before its switch',
      (json) => Object.assign(json['rollout'] as Json, { direction: 'back' }),
      'rollout.phase: expected "switch"',
    ],
    [
      'goes back to a key that is not there',
      (json) => Object.assign(json['rollout'] as Json, { former: 'k9' }),
      'former key k9 is missing',
    ],
    [
      'stages a key that signs already',
      (json) => Object.assign(json['rollout'] as Json, { kid: 'k2' }),
      'at phase ahead of k2, which is active',
    ],
    [
      'retires a key that is not there',
      (json) => Object.assign((json['retirements'] as Json[])[0] as Json, { kid: 'k9' }),
      'the retirement is of k9',
    ],
    [
      'was changed under a thumbprint',
      (json) => Object.assign(keyIn(json, 1), { publicJwk: { kty: 'EC', crv: 'P-256', x: 'evil', y: 'y' } }),
      `key ${'k2'.padEnd(43, '_')} is not the one its thumbprint names`,
    ],
    [
      'has another key under the thumbprint',
      (json) => Object.assign(keyIn(json, 1), { thumbprint: 'evil'.padEnd(43, '_') }),
      'is not the one its thumbprint names',
    ],
  ];

  it.each(cases)('that %s is refused', async (_, change, why) => {
    const error = await damage(change);
    expect(error).toBeInstanceOf(JwtrotError);
    expect(error).toMatchObject({
      kind: 'refused',
      code: 'manifest-damaged',
      hint: expect.stringMatching(/^jwtrot store recover --keyset api goes on from .*: jwtrot store restore FILE$/),
    });
    expect(error.message).toMatch(
      /^the manifest of keyset api in \/store\/7\.json is damaged: .*; nothing was changed$/,
    );
    expect(error.message).toContain(why);
  });

  it.each(['', '{', 'null', '[]', '"x"', '<html>', `{"schema":1`])('that is %j is refused', async (text) => {
    await expect(decode(text)).rejects.toMatchObject({ code: 'manifest-damaged' });
  });

  it('that is cut short anywhere is refused', async () => {
    const text = encodeManifest(full());
    for (let length = 0; length < text.length; length += 97) {
      await expect(decode(text.slice(0, length))).rejects.toMatchObject({ code: 'manifest-damaged' });
    }
  });

  it('says so in one line, with nothing in it that a terminal acts on', async () => {
    const error = await damage((json) => Object.assign(json, { '\u001b[2J\nroot': 1 }));
    expect([...error.message].every((character) => character >= ' ')).toBe(true);
    expect(error.message).toContain('\\u001b[2J\\nroot');
  });

  it('that a later jwtrot wrote is refused for that', async () => {
    const error = await damage((json) => Object.assign(json, { schema: 2, added: true }));
    expect(error).toMatchObject({
      kind: 'refused',
      code: 'manifest-schema',
      message: 'the manifest of keyset api in /store/7.json has schema 2; this jwtrot knows 1; nothing was changed',
      hint: 'upgrade jwtrot on this host',
    });
    expect(error.exit).toBe(5);
  });
});
