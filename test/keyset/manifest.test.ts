import { describe, expect, it } from 'vitest';
import { encodeManifest, prune } from '../../src/keyset/manifest/encoding.js';
import { firstManifest } from '../support/manifest.js';
import { committed, decode, full, type Json, keyIn } from './manifests.js';
import { settled } from './story.js';

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
