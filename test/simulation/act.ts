import type { Operators, Started } from './operators.js';
import type { Random } from './random.js';
import type { Fate } from './runner.js';
import type { SimInstance, SimService } from './services.js';
import type { World } from './world.js';

/** An actor, and the world that it acts on. */
export interface Actor {
  readonly world: World;
  readonly operators: Operators;
  /** Draws the details of the deed under way. */
  readonly random: Random;
  start(started: Started): void;
  /** The fate of the next run that the deed starts. */
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
  | 'importPublic'
  | 'restore'
  | 'loseStore'
  | 'answerOld'
  | 'loseRecord'
  | 'damageRecord'
  | 'recover'
  | 'outage'
  | 'sealed'
  | 'mislabel'
  | 'guard';
