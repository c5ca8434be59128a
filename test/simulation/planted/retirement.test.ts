import { describe, expect, it, vi } from 'vitest';
import type { Manifest } from '../../../src/keyset/manifest/model.js';
import type { Now } from '../../../src/keyset/transitions/all.js';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/keyset/transitions/all.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../src/keyset/transitions/all.js')>();
  return {
    ...original,
    // No thought for reloads that are still under way, and from the start of the rollout (trace 12).
    signersConfirmed: (manifest: Manifest, { at, policy }: Now) =>
      original.signersConfirmed(manifest, { at: manifest.rollout?.startedAt ?? at, policy }, null),
  };
});

describe('A rollout that stamps signedUntil with its own start', () => {
  it('is found by the simulation', async () => {
    const found = await search({ seeds: 100, from: 41, enough: 1, all: true });
    expect(found).toHaveLength(1);
    expect(invariantsOf(found)).toContain('I4');
  }, 180_000);
});
