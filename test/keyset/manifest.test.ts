import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { JwtrotError } from '../../src/keyset/error.js';
import { decodeManifest, encodeManifest, KEPT, LONGEST_MANIFEST, prune } from '../../src/keyset/manifest.js';
import type { Key, Manifest, PublicJwk } from '../../src/keyset/model.js';
import { firstManifest } from '../support/manifest.js';
import { rotated, START, type Story, settled, thumbprintOf } from './story.js';

const OWNER = { host: 'h', hostname: 'alpha', bootId: 'b', pidNamespace: 'n', pid: 42, startTime: '77' };

function committed(story: Story): Manifest {
  return { ...story.known, revision: 7, commits: [{ id: 'c1', at: START }] };
}

/** Every field that a manifest can have is set. */
function full(): Manifest {
  const story = rotated();
  story.retire('k1', { purge: true });
  story.run({ force: true });
  return {
    ...committed(story),
    host: { id: 'h', hostname: 'alpha' },
    reloadsUntil: START + 5,
    refresh: { publish: true, deliver: false, since: START },
    lease: { id: 'l', owner: OWNER, verb: 'rotate', since: START, until: START + 1000 },
    backoff: { failures: 3, until: START + 9, because: 'issuer: no answer' },
  };
}

function decode(text: string, keyset = 'api'): Promise<Manifest> {
  return decodeManifest(text, keyset, '/store/7.json', thumbprintOf);
}

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

type Json = Record<string, unknown>;
const keyIn = (json: Json, i = 0) => (json['keys'] as Json[])[i] as Json;

describe('a manifest that is written and read', () => {
  it('is the same', async () => {
    for (const manifest of [firstManifest('api'), committed(settled()), full()]) {
      expect(await decode(encodeManifest(manifest))).toEqual(prune(manifest));
    }
  });

  it('has its times in RFC 3339, UTC, and leaves out what is absent', () => {
    const json = JSON.parse(encodeManifest(committed(settled()))) as Json;
    expect(keyIn(json)).toEqual({
      kid: 'k1',
      thumbprint: 'k1'.padEnd(43, '_'),
      version: 1,
      alg: 'ES256',
      state: 'active',
      publicJwk: { kty: 'EC', crv: 'P-256', x: 'k1', y: 'y' },
      hasPrivate: true,
      createdAt: '2026-01-01T00:00:00.000Z',
      publishedAt: '2026-01-01T00:00:00.000Z',
      confirmedAt: '2026-01-01T00:00:00.000Z',
      activatedAt: '2026-01-01T00:00:00.000Z',
      signedFrom: '2026-01-01T00:00:00.000Z',
      maxTokenTtl: 604_800_000,
      verifyFor: 691_200_000,
    });
    expect(Object.keys(json)).toEqual(['schema', 'name', 'revision', 'commits', 'keys', 'retirements', 'events']);
  });

  it('holds no private member, whatever is done', () => {
    expect(encodeManifest(full())).not.toMatch(/"(d|p|q|dp|dq|qi|k)":/);
  });
});

describe('a damaged manifest', () => {
  const cases: [string, (json: Json) => void, string][] = [
    ['lacks a field', (json) => delete json['keys'], 'keys: expected'],
    ['has a field that is not known', (json) => Object.assign(json, { extra: 1 }), 'extra: expected never'],
    ['names another keyset', (json) => Object.assign(json, { name: 'web' }), 'it is of keyset web'],
    ['has a name that is none', (json) => Object.assign(json, { name: '../api' }), 'name: expected'],
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
    [
      'has a key without its public half',
      (json) => delete keyIn(json, 1)['publicJwk'],
      'key k2 (active) has no public key',
    ],
    [
      'has an active key without its private half',
      (json) => delete keyIn(json, 1)['hasPrivate'],
      'has no private half',
    ],
    [
      'has an active key that has ended',
      (json) => Object.assign(keyIn(json, 1), { signedUntil: '2026-01-01T00:00:00.000Z' }),
      'has signedUntil',
    ],
    [
      'has a key of another algorithm',
      (json) => Object.assign(keyIn(json, 1), { alg: 'RS256' }),
      'is not a key for RS256',
    ],
    ['has a key of another curve', (json) => Object.assign(keyIn(json, 1), { alg: 'ES384' }), 'is not a key for ES384'],
    ['has a retired key without a reason', (json) => delete keyIn(json, 0)['reason'], 'has no retiredAt or reason'],
    [
      'rolls out a key that is not there',
      (json) => Object.assign(json['rollout'] as Json, { kid: 'k9' }),
      'the rollout is of k9',
    ],
    [
      'goes back to nothing',
      (json) => Object.assign(json['rollout'] as Json, { direction: 'back', former: undefined }),
      'goes back to nothing',
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
      hint: 'restore it from a backup; the revisions before it may be older than what services hold',
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

describe('the size of a manifest', () => {
  const base64url = (bytes: number) => randomBytes(bytes).toString('base64url');

  async function rsaKey(version: number, state: Key['state']): Promise<Key> {
    const publicJwk: PublicJwk = { kty: 'RSA', n: base64url(512), e: 'AQAB' };
    const thumbprint = base64url(32);
    const all = Object.fromEntries(
      [
        'createdAt',
        'publishedAt',
        'confirmedAt',
        'activatedAt',
        'signedFrom',
        'deprecatedAt',
        'signedUntil',
        'retiredAt',
        'droppedAt',
        'goneAt',
      ].map((name) => [name, START]),
    );
    const gone = state === 'destroyed';
    return {
      ...(settled().key('k1') as Key),
      ...(state === 'active' ? {} : all),
      kid: thumbprint,
      thumbprint,
      version,
      alg: 'RS256',
      state,
      publicJwk: gone ? null : publicJwk,
      reason: gone || state === 'retired' ? 'expired' : null,
      destroyedAt: gone ? START : null,
      maxTokenTtl: 604_800_000,
      verifyFor: 691_200_000,
    };
  }

  async function big(tombstones: number, live: number, detail: string | null = null): Promise<Manifest> {
    const keys: Key[] = [];
    for (let i = 0; i < tombstones; i += 1) keys.push(await rsaKey(i + 1, 'destroyed'));
    for (let i = 0; i < live; i += 1) keys.push(await rsaKey(tombstones + i + 1, i === 0 ? 'active' : 'deprecated'));
    const events = Array.from({ length: 300 }, (_, i) => ({
      at: START + i,
      type: 'verifiers-confirmed',
      kid: keys[0]?.kid ?? null,
      detail,
    }));
    const commits = Array.from({ length: 200 }, () => ({ id: base64url(24), at: START }));
    return firstManifest('api', { keys, events, commits });
  }

  const readable = (text: string, manifest: Manifest) => {
    const byN = new Map(
      manifest.keys.map((key) => [key.publicJwk?.kty === 'RSA' ? key.publicJwk.n : '', key.thumbprint]),
    );
    return decodeManifest(text, 'api', 'here', async (jwk) => byN.get(jwk.kty === 'RSA' ? jwk.n : '') ?? '');
  };

  it('keeps the newest commits, events and tombstones', async () => {
    const manifest = await big(130, 1);
    const kept = prune(manifest);
    expect(kept.commits).toEqual(manifest.commits.slice(-KEPT.commits));
    expect(kept.events).toEqual(manifest.events.slice(-KEPT.events));
    expect(kept.keys).toEqual(manifest.keys.slice(30));
    expect(KEPT).toEqual({ commits: 64, events: 50, tombstones: 100 });
  });

  it('stays under 48 KiB with 100 tombstones and RSA-4096 keys, and loses none of the tombstones', async () => {
    const manifest = await big(100, 4);
    const text = encodeManifest(manifest);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(LONGEST_MANIFEST);
    const read = await readable(text, manifest);
    expect(read.keys.map((key) => key.kid)).toEqual(manifest.keys.map((key) => key.kid));
    expect(read.keys.slice(100)).toEqual(manifest.keys.slice(100));
    expect(read.keys[0]).toMatchObject({
      state: 'destroyed',
      reason: 'expired',
      destroyedAt: START,
      signedFrom: START,
    });
    expect(read.events.at(-1)).toEqual(manifest.events.at(-1));
    const again = encodeManifest(read);
    expect(encodeManifest(await readable(again, manifest)) === again).toBe(true);
  });

  it('gives up the oldest tombstones before it gives up to write, and always keeps the newest event', async () => {
    const manifest = await big(100, 20, 'x'.repeat(400));
    const text = encodeManifest(manifest);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(LONGEST_MANIFEST);
    const read = await readable(text, manifest);
    const gone = read.keys.filter((key) => key.state === 'destroyed');
    expect(gone.length).toBeGreaterThan(0);
    expect(gone.map((key) => key.kid)).toEqual(manifest.keys.slice(100 - gone.length, 100).map((key) => key.kid));
    expect(read.events.at(-1)).toEqual(manifest.events.at(-1));
    expect(read.keys.filter((key) => key.state !== 'destroyed')).toHaveLength(20);
  });

  it('keeps the whole history where it fits', async () => {
    const manifest = await big(20, 2);
    const read = await readable(encodeManifest(manifest), manifest);
    expect(read.keys).toEqual(manifest.keys);
    expect(read.events).toHaveLength(50);
  });

  it('never forgets a tombstone that something refers to', async () => {
    const manifest = await big(130, 1);
    const [first] = manifest.keys as [Key];
    const retirement = { kid: first.kid, reason: 'compromised', requestedAt: START, deadlineAt: START } as const;
    const retirements = [{ ...retirement, noReplacement: false, purge: false, checkAgainAt: START }];
    const read = await readable(encodeManifest({ ...manifest, retirements }), manifest);
    expect(read.retirements).toEqual(retirements);
    expect(read.keys[0]?.kid).toBe(first.kid);
  });

  it('is counted in bytes, not in characters', () => {
    const wide = firstManifest('api', { commits: [{ id: '€'.repeat(17_000), at: START }] });
    expect(JSON.stringify(wide).length).toBeLessThan(LONGEST_MANIFEST / 2);
    expect(() => encodeManifest(wide)).toThrow('would exceed 48 KiB');
  });

  it('is refused when nothing is left to do without', () => {
    const long = firstManifest('api', { commits: [{ id: 'x'.repeat(50_000), at: START }] });
    expect(() => encodeManifest(long)).toThrow(
      new JwtrotError(
        'refused',
        'manifest-too-large',
        'the manifest of keyset api would exceed 48 KiB; nothing was written',
        { hint: 'import fewer keys into one keyset' },
      ),
    );
  });
});
