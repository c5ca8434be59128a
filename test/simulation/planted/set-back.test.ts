import { describe, expect, it, vi } from 'vitest';
import type { Instant } from '../../../src/keyset/clock.js';
import type { Manifest } from '../../../src/keyset/model.js';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/keyset/transitions.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../src/keyset/transitions.js')>();
  const { change } = await import('../../../src/keyset/change.js');
  const first = (manifest: Manifest, type: string, kid: string | undefined, at: Instant) =>
    manifest.events.find((event) => event.type === type && event.kid === kid)?.at ?? at;
  return {
    ...original,
    // Once published and confirmed, for ever: publishAhead runs on although the key had gone missing (TRACES 11).
    published: (manifest: Manifest, at: Instant) => {
      const kid = manifest.rollout?.kid;
      const next = original.published(manifest, at);
      return kid === undefined ? next : change(next, kid, { publishedAt: first(manifest, 'published', kid, at) });
    },
    verifiersConfirmed: (manifest: Manifest, kid: string, at: Instant) =>
      change(original.verifiersConfirmed(manifest, kid, at), kid, {
        confirmedAt: first(manifest, 'verifiers-confirmed', kid, at),
      }),
  };
});

describe('A rollout that repairs an outlet and lets publishAhead run on', () => {
  it('is found by the simulation', async () => {
    const found = await search({ seeds: 300, enough: 1 });
    expect(found).toHaveLength(1);
    expect(invariantsOf(found)).toContain('tokens');
  }, 180_000);
});
