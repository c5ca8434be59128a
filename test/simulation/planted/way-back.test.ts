import { describe, expect, it, vi } from 'vitest';
import type { ActiveKey, Key } from '../../../src/keyset/manifest/key.js';
import type { Manifest } from '../../../src/keyset/manifest/model.js';
import type { Now } from '../../../src/keyset/transitions/all.js';
import { withParts } from '../../support/manifest.js';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/keyset/transitions/all.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../src/keyset/transitions/all.js')>();
  return {
    ...original,
    // As if the failed key had never signed.
    turnedBack: (manifest: Manifest, way: { from: ActiveKey; to: Key }, now: Now, because: string) =>
      withParts(original.turnedBack(manifest, way, now, because), way.from.kid, {
        signedUntil: way.from.signedFrom,
      }),
  };
});

describe('A way back by hand that counts the time of the failed key from its first token', () => {
  it('is found by the simulation', async () => {
    const found = await search({
      seeds: 300,
      from: 37,
      theme: 12,
      enough: 1,
      all: true,
      shape: (s) => ({ ...s, weights: { timer: 25, force: 25, rollback: 40, restart: 5 } }),
    });
    expect(found).toHaveLength(1);
    expect(invariantsOf(found)).toContain('I4');
  }, 180_000);
});
