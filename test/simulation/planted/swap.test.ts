import { describe, expect, it } from 'vitest';
import { invariantsOf, search } from './search.js';

describe('A store that writes without comparing', () => {
  it('is found by the simulation', async () => {
    const found = await search({ seeds: 100, shape: (shape) => ({ ...shape, compareAndSwap: false, overlap: 0.8 }) });
    expect(found).toHaveLength(3);
    expect(invariantsOf(found)).toContain('manifest');
  });
});
