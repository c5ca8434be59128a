import { afterEach, describe, expect, it, vi } from 'vitest';
import { Ledger } from '../../../src/rollout/ledger.js';
import { invariantsOf, search } from './search.js';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('A run that starts effects without asking how much of its lease is left', () => {
  it('is found by the simulation', async () => {
    vi.spyOn(Ledger.prototype, 'assertTimeFor').mockImplementation(() => {});
    const found = await search({ seeds: 400, theme: 1, enough: 1 });
    expect(found).toHaveLength(1);
    expect(invariantsOf(found)).toContain('I5');
  }, 180_000);
});
