import { describe, expect, it, vi } from 'vitest';
import type { Instant } from '../../../src/keyset/basics/clock.js';
import type { Manifest } from '../../../src/keyset/manifest/model.js';
import { withParts } from '../../support/manifest.js';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/keyset/transitions/all.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../src/keyset/transitions/all.js')>();
  const first = (manifest: Manifest, type: string, kid: string | undefined, at: Instant) =>
    manifest.events.find((event) => event.type === type && event.kid === kid)?.at ?? at;
  return {
    ...original,
    // Once published and confirmed, for ever: publishAhead runs on although the key had gone missing (trace 11).
    published: (manifest: Manifest, at: Instant) => {
      const kid = manifest.rollout?.kid;
      const next = original.published(manifest, at);
      return kid === undefined ? next : withParts(next, kid, { publishedAt: first(manifest, 'published', kid, at) });
    },
    verifiersConfirmed: (manifest: Manifest, kid: string, at: Instant) =>
      withParts(original.verifiersConfirmed(manifest, kid, at), kid, {
        confirmedAt: first(manifest, 'verifiers-confirmed', kid, at),
      }),
  };
});

describe('A rollout that repairs an outlet and lets publishAhead run on', () => {
  it('is found by the simulation', async () => {
    const found = await search({
      seeds: 300,
      enough: 1,
      all: true,
      shape: (s) => ({ ...s, weights: { timer: 40, force: 30, deploy: 30 } }),
    });
    expect(found).toHaveLength(1);
    expect(invariantsOf(found)).toContain('tokens');
  }, 180_000);
});
