import { describe, expect, it, vi } from 'vitest';
import type { Instant } from '../../../src/keyset/basics/clock.js';
import type { Manifest } from '../../../src/keyset/manifest/model.js';
import { withParts } from '../../support/manifest.js';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/keyset/transitions/all.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../src/keyset/transitions/all.js')>();
  return {
    ...original,
    // When publishing is ordered, not when the JWKS was read back (trace 10).
    published: (manifest: Manifest, at: Instant) => {
      const orderedAt = (kid: string) =>
        manifest.events.findLast((event) => event.type === 'stored' && event.kid === kid)?.at ?? at;
      const next = original.published(manifest, at);
      const keys = next.keys.map((key) =>
        key.publishedAt === at && key.state === 'pending' ? { ...key, publishedAt: orderedAt(key.kid) } : key,
      );
      return { ...next, keys };
    },
    verifiersConfirmed: (manifest: Manifest, kid: string, at: Instant) => {
      const next = original.verifiersConfirmed(manifest, kid, at);
      return withParts(next, kid, { confirmedAt: original.keyOf(next, kid).publishedAt });
    },
  };
});

describe('A rollout that counts publishAhead from when publishing was ordered', () => {
  it('is found by the simulation', async () => {
    const found = await search({ seeds: 150, from: 9, theme: 1, enough: 1, all: true });
    expect(found).toHaveLength(1);
    expect(invariantsOf(found)).toContain('tokens');
  }, 180_000);
});
