import { describe, expect, it, vi } from 'vitest';
import type { Manifest } from '../../../src/keyset/model.js';
import type { Policy } from '../../../src/keyset/policy.js';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/keyset/transitions.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../src/keyset/transitions.js')>();
  return {
    ...original,
    // No thought for reloads that are still under way, and from the start of the rollout (TRACES 12).
    signersConfirmed: (manifest: Manifest, policy: Policy, _: number | null, at: number) =>
      original.signersConfirmed(manifest, policy, null, manifest.rollout?.startedAt ?? at),
  };
});

describe('A rollout that stamps signedUntil with its own start', () => {
  it('is found by the simulation', async () => {
    const found = await search({ seeds: 100, enough: 1 });
    expect(found).toHaveLength(1);
    expect(invariantsOf(found)).toContain('I4');
  }, 180_000);
});
