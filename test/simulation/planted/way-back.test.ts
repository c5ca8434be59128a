import { describe, expect, it, vi } from 'vitest';
import type { Instant } from '../../../src/keyset/clock.js';
import type { Key, Manifest } from '../../../src/keyset/model.js';
import type { Policy } from '../../../src/keyset/policy.js';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/keyset/transitions.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../src/keyset/transitions.js')>();
  const { change } = await import('../../../src/keyset/change.js');
  return {
    ...original,
    // As if the failed key had never signed.
    turnedBack: (manifest: Manifest, from: Key, to: string, policy: Policy, because: string, at: Instant) =>
      change(original.turnedBack(manifest, from, to, policy, because, at), from.kid, { signedUntil: from.signedFrom }),
  };
});

describe('A way back by hand that counts the time of the failed key from its first token', () => {
  it('is found by the simulation', async () => {
    const found = await search({ seeds: 150, theme: 12, enough: 1 });
    expect(found).toHaveLength(1);
    expect(invariantsOf(found)).toContain('I4');
  }, 180_000);
});
