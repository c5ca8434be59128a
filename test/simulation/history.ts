import { upcoming } from '../../src/keyset/upcoming.js';
import type { Actor } from './act.js';
import { ACTS } from './acts.js';
import { importFirst } from './importing.js';
import { Operators, type Started } from './operators.js';
import { Random } from './random.js';
import type { Fate } from './runner.js';
import { settle } from './settle.js';
import type { World } from './world.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** One history: what happens to whom, and when, from the seed alone. */
export class History implements Actor {
  readonly operators: Operators;
  readonly random: Random;
  /** Of what came to the simulation later: what a seed meant before it still means. */
  readonly more: Random;
  #started: Started[] = [];

  constructor(readonly world: World) {
    this.operators = new Operators(world);
    this.random = new Random(world.seed, 4);
    this.more = new Random(world.seed, 6);
  }

  async play(): Promise<void> {
    const { world, operators, random } = this;
    const { shape } = world;
    if (shape.secondHost && world.bound) operators.keepSecondHost();
    if (shape.reach.imports) await importFirst(this);
    for (let deed = 0; deed < shape.deeds && world.violations.length === 0; deed += 1) {
      const act = ACTS[random.weighted(shape.weights)];
      const service = random.pick(world.services);
      await act(this, { service, instance: random.pick(service.instances) });
      const last = this.#started.at(-1);
      if (last !== undefined && !random.chance(shape.overlap)) {
        await operators.until(last, this.someTime(10 * MINUTE, 12 * HOUR));
        await operators.pass(this.#pause());
      } else {
        await operators.pass(this.someTime(5, 3 * MINUTE));
      }
      this.#started = this.#started.filter((one) => one.runner.alive);
    }
    if (world.violations.length === 0) await settle(operators);
  }

  start(started: Started): void {
    this.#started.push(started);
  }

  /** Log-uniform: short and long alike. */
  someTime(least: number, most: number, random = this.random): number {
    return Math.floor(least * (most / least) ** random.next());
  }

  /** Until the next thing falls due, or some other time. */
  #pause(): number {
    const { world, random } = this;
    const { manifest } = world.store;
    const next = manifest === null ? null : upcoming(manifest, world.policy, world.now);
    if (random.chance(0.6) && next?.at != null && next.at > world.now)
      return Math.min(next.at - world.now, 10 * DAY) + random.between(0, 5 * MINUTE);
    return random.chance(0.5) ? this.someTime(SECOND, HOUR) : this.someTime(MINUTE, world.policy.rotateEvery);
  }

  fate(): Fate {
    const { random, more } = this;
    const { kills, pauses, reach } = this.world.shape;
    return {
      kill: random.chance(kills) ? { call: this.someTime(1, 300), late: random.chance(0.5) } : null,
      pause: random.chance(pauses) ? { call: this.someTime(1, 200), duration: this.someTime(SECOND, 3 * HOUR) } : null,
      stall:
        reach.stalls > 0 && more.chance(reach.stalls)
          ? { call: this.someTime(1, 200, more), duration: this.someTime(SECOND, 3 * HOUR, more) }
          : null,
    };
  }
}
