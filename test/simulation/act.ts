import type { Operators, Started } from './operators.js';
import type { Random } from './random.js';
import type { Fate } from './runner.js';
import type { SimInstance, SimService } from './services.js';
import type { World } from './world.js';

/** Who does something, and to which world. */
export interface Actor {
  readonly world: World;
  readonly operators: Operators;
  readonly random: Random;
  /** Of what came to the simulation later: what a seed meant before it still means. */
  readonly more: Random;
  start(started: Started): void;
  /** Log-uniform: short and long alike. */
  someTime(least: number, most: number, random?: Random): number;
  fate(): Fate;
}

/** Some service and one of its instances. */
export interface Target {
  readonly service: SimService;
  readonly instance: SimInstance;
}

export type Act = (actor: Actor, target: Target) => void | Promise<void>;

/** What operators, timers, machines and services do by themselves. */
export type Deed =
  | 'timer'
  | 'force'
  | 'immediate'
  | 'retire'
  | 'retireBare'
  | 'sync'
  | 'restart'
  | 'replace'
  | 'deploy'
  | 'reboot'
  | 'badKey'
  | 'clocks'
  | 'clockBack'
  | 'suspend'
  | 'secondRunner'
  | 'policy'
  | 'rollback'
  | 'burst'
  | 'retireNew'
  | 'clockAhead'
  | 'changeAlg'
  | 'limits'
  | 'dieForGood'
  | 'bury'
  | 'addService'
  | 'removeService'
  | 'lostReload'
  | 'importPublic';
