import { describe, expect, it, vi } from 'vitest';
import type { Key } from '../../../src/keyset/manifest/key.js';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/keyset/questions/due.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../src/keyset/questions/due.js')>();
  return {
    ...original,
    verifiesUntil: (key: Key, policy: { clockSkew: number }) =>
      key.signedUntil === null ? Number.POSITIVE_INFINITY : (key.activatedAt ?? 0) + key.verifyFor + policy.clockSkew,
  };
});

describe('A planner that counts verifyFor from the activation', () => {
  it('is found by the simulation', async () => {
    const found = await search({ seeds: 50 });
    expect(found).toHaveLength(3);
    expect(invariantsOf(found)).toContain('I4');
  });
});
