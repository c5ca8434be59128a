import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.js';

/** How many seeds `npm test` plays; `npm run simulate -- --seeds 20000` plays more. */
const SEEDS = 600;

/** Seeds that found a fault once, whatever their histories have become since. */
const ONCE_BROKEN = [121, 136, 311, 336, 368, 632, 865, 927, 969, 1420, 2448, 3509];

describe('Random histories', () => {
  it(`break no invariant in ${SEEDS} seeds`, async () => {
    const broken: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const result = await simulate(seed);
      const [first] = result.broken;
      if (first !== undefined) broken.push(`npm run simulate -- --seed ${seed} # ${first.invariant}: ${first.what}`);
      // A breath for whoever watches over the tests.
      if (seed % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(broken).toEqual([]);
  }, 600_000);

  it('play again exactly', async () => {
    for (const seed of [3, ...ONCE_BROKEN]) {
      const first = await simulate(seed, { verbose: true });
      const again = await simulate(seed, { verbose: true });
      expect(first.broken).toEqual([]);
      expect(again.history).toEqual(first.history);
      expect(again.steps).toBe(first.steps);
    }
  });
});
