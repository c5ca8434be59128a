import type { Shape } from '../shape.js';
import { type SeedResult, simulate } from '../simulate.js';
import { SWITCHES } from '../swarm.js';
import { SPAN } from '../themes.js';

export interface Search {
  /** At most so many seeds. */
  readonly seeds: number;
  /** The first of them: a little before one that breaks today, so that nothing long is played in vain. */
  readonly from?: number;
  /** No kind of event is switched off. */
  readonly all?: boolean;
  /** Of which theme; 0 is the general one. */
  readonly theme?: number;
  readonly shape?: (shape: Shape) => Shape;
  /** Ends with so many found. */
  readonly enough?: number;
}

/** The first seeds that break anything, with a fault on purpose in the code or in the world. */
export async function search({
  seeds,
  from = 1,
  theme = 0,
  shape,
  enough = 3,
  all = false,
}: Search): Promise<SeedResult[]> {
  const found: SeedResult[] = [];
  const forced = all ? { on: SWITCHES } : {};
  for (let n = from; n < from + seeds && found.length < enough; n += 1) {
    const result = await simulate(theme * SPAN + n, { shape, forced });
    if (result.broken.length > 0) found.push(result);
  }
  return found;
}

/** Which invariants were seen broken. */
export function invariantsOf(found: readonly SeedResult[]): string[] {
  return [...new Set(found.flatMap((one) => one.broken.map(({ invariant }) => invariant)))];
}
