import type { Shape } from '../shape.js';
import { type SeedResult, simulate } from '../simulate.js';

/** The first seeds that break anything, with a fault on purpose in the code or in the world. */
export async function search(seeds: number, shape?: (shape: Shape) => Shape, enough = 3): Promise<SeedResult[]> {
  const found: SeedResult[] = [];
  for (let seed = 1; seed <= seeds && found.length < enough; seed += 1) {
    const result = await simulate(seed, shape === undefined ? {} : { shape });
    if (result.broken.length > 0) found.push(result);
  }
  return found;
}

/** Which invariants were seen broken. */
export function invariantsOf(found: readonly SeedResult[]): string[] {
  return [...new Set(found.flatMap((one) => one.broken.map(({ invariant }) => invariant)))];
}
