import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { JwtrotError } from '../../src/keyset/basics/error.js';
import { decodeManifest, encodeManifest, KEPT, LONGEST_MANIFEST, prune } from '../../src/keyset/manifest/encoding.js';
import type { Key, PublicJwk } from '../../src/keyset/manifest/key.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { firstManifest } from '../support/manifest.js';
import { START, settled } from './story.js';

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
        ...(state === 'destroyed' ? ['retiredAt'] : []),
        ...(state === 'destroyed' ? ['droppedAt', 'goneAt'] : []),
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
    } as Key;
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
