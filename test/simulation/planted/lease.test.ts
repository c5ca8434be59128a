import { afterEach, describe, expect, it, vi } from 'vitest';
import { Tenure } from '../../../src/rollout/tenure.js';
import { invariantsOf, search } from './search.js';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('A run that starts effects without asking how much of its lease is left', () => {
  it('is found by the simulation', async () => {
    vi.spyOn(Tenure.prototype, 'assertTimeFor').mockImplementation(() => {});
    const found = await search({
      seeds: 300,
      from: 60,
      theme: 1,
      enough: 1,
      all: true,
      shape: (s) => ({ ...s, pauses: 0.9, kills: 0, overlap: 0.2 }),
    });
    expect(found).toHaveLength(1);
    expect(invariantsOf(found)).toContain('I5');
  }, 180_000);
});
