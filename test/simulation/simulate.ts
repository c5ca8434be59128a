import { History } from './history.js';
import type { Shape } from './shape.js';
import { shapeOfSeed } from './themes.js';
import { type FaultCounts, World } from './world.js';

export interface SeedResult {
  readonly seed: number;
  readonly broken: readonly { readonly invariant: string; readonly what: string }[];
  readonly steps: number;
  readonly kills: number;
  readonly pauses: number;
  readonly faults: FaultCounts;
  readonly runs: number;
  readonly rotations: number;
  /** How often a signer began to mint with a key: each stands for all tokens that it mints from then on. */
  readonly minted: number;
  /** How often the youngest token of a kid, standing for its elders, was presented to a verifier. */
  readonly presented: number;
  readonly history: readonly string[];
}

export async function simulate(
  seed: number,
  options: { shape?: (shape: Shape) => Shape; verbose?: boolean } = {},
): Promise<SeedResult> {
  const shape = options.shape?.(shapeOfSeed(seed)) ?? shapeOfSeed(seed);
  const world = new World(seed, shape, options.verbose ?? false);
  await new History(world).play();
  return resultOf(world);
}

export function resultOf(world: World): SeedResult {
  const { kills, pauses, faults, runs, rotations } = world.counters;
  const { minted, presented } = world.tokens;
  const { seed, violations, scheduler, history } = world;
  return {
    seed,
    broken: violations,
    steps: scheduler.steps,
    kills,
    pauses,
    faults,
    runs,
    rotations,
    minted,
    presented,
    history,
  };
}
