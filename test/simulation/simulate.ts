import { History } from './history.js';
import type { Choice } from './injected.js';
import type { Kind } from './kinds.js';
import { withoutParts } from './parts.js';
import type { Shape } from './shape.js';
import { type Forced, switchedOff, withoutDeeds } from './swarm.js';
import { shapeOfSeed } from './themes.js';
import { type FaultCounts, World } from './world.js';

export interface Broken {
  readonly invariant: string;
  readonly what: string;
}

export interface SeedResult {
  readonly seed: number;
  readonly broken: readonly Broken[];
  /** By name, in their order. */
  readonly events: ReadonlyMap<string, Kind>;
  readonly steps: number;
  readonly kills: number;
  readonly pauses: number;
  readonly faults: FaultCounts;
  readonly runs: number;
  readonly rotations: number;
  /** How often a signer began to mint with a key. Each time stands for all tokens that it mints from then on. */
  readonly minted: number;
  /** How often a kid's youngest token was presented to a verifier. It stands for all older ones. */
  readonly presented: number;
  readonly history: readonly string[];
}

export interface Replay {
  readonly shape?: ((shape: Shape) => Shape) | undefined;
  /** Switched off or on by hand. */
  readonly forced?: Forced | undefined;
  /** These events and no others. */
  readonly only?: Choice['only'];
  /** Parts of the world that are left out. */
  readonly without?: readonly string[] | undefined;
  /** The history is told. */
  readonly verbose?: boolean;
}

/** The world of a seed, before anything happens in it. */
export function shapeOfReplay(seed: number, { shape, forced, without = [] }: Replay): Shape {
  const own = withoutDeeds(shapeOfSeed(seed), switchedOff(seed, forced));
  return withoutParts(shape?.(own) ?? own, without);
}

export async function simulate(seed: number, replay: Replay = {}): Promise<SeedResult> {
  const choice = { off: switchedOff(seed, replay.forced), only: replay.only ?? null };
  const world = new World(seed, shapeOfReplay(seed, replay), replay.verbose ?? false, choice);
  await new History(world).play();
  return resultOf(world);
}

function resultOf(world: World): SeedResult {
  const { kills, pauses, faults, runs, rotations } = world.counters;
  const { minted, presented } = world.tokens;
  const { seed, violations, scheduler, history, injected } = world;
  return {
    seed,
    broken: violations,
    events: injected.events,
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
