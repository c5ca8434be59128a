import { upcoming } from '../../src/keyset/questions/upcoming.js';
import type { Actor } from './act.js';
import { ACTS } from './acts.js';
import { importFirst } from './importing.js';
import type { Source } from './injected.js';
import { Operators, type Started } from './operators.js';
import type { Random } from './random.js';
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
  #deed: Source;
  #runs = 0;
  #started: Started[] = [];

  constructor(readonly world: World) {
    this.operators = new Operators(world);
    this.#deed = world.source('import');
  }

  get random(): Random {
    return this.#deed.stream('deed');
  }

  async play(): Promise<void> {
    const { world, operators } = this;
    const { shape } = world;
    if (shape.secondHost && world.bound) operators.keepSecondHost();
    if (shape.reach.imports) await importFirst(this);
    for (let number = 0; number < shape.deeds && world.violations.length === 0; number += 1) {
      await this.#do(String(number));
      if (world.injected.comesAbout(`${number}w`, 'wait')) await this.#wait(world.source(`${number}w`).stream('time'));
      this.#started = this.#started.filter((one) => one.runner.alive);
    }
    if (world.violations.length === 0) await settle(operators);
  }

  async #do(name: string): Promise<void> {
    const { world } = this;
    this.#deed = world.source(name);
    this.#runs = 0;
    const deed = this.random.weighted(world.shape.weights);
    const service = this.random.pick(world.services);
    const target = { service, instance: this.random.pick(service.instances) };
    if (!world.injected.comesAbout(name, deed)) return;
    world.log(() => `[${name}] ${deed}`);
    await ACTS[deed](this, target);
  }

  async #wait(random: Random): Promise<void> {
    const { world, operators } = this;
    const last = this.#started.at(-1);
    if (last === undefined || random.chance(world.shape.overlap)) return operators.pass(random.someTime(5, 3 * MINUTE));
    await operators.until(last, random.someTime(10 * MINUTE, 12 * HOUR));
    await operators.pass(this.#pause(random));
  }

  /** Until the next thing falls due, or some other time. */
  #pause(random: Random): number {
    const { world } = this;
    const { manifest } = world.store;
    const next = manifest === null ? null : upcoming(manifest, world.policy, world.now);
    if (random.chance(0.6) && next?.at != null && next.at > world.now)
      return Math.min(next.at - world.now, 10 * DAY) + random.between(0, 5 * MINUTE);
    return random.chance(0.5) ? random.someTime(SECOND, HOUR) : random.someTime(MINUTE, world.policy.rotateEvery);
  }

  start(started: Started): void {
    this.#started.push(started);
  }

  fate(): Fate {
    const { kills, pauses, reach } = this.world.shape;
    this.#runs += 1;
    const source = this.world.source(this.#runs === 1 ? this.#deed.name : `${this.#deed.name}-${this.#runs}`);
    const kill = source.strikes('kill', kills)?.random;
    const pause = source.strikes('pause', pauses)?.random;
    const stall = source.strikes('stall', reach.stalls)?.random;
    return {
      source,
      kill: kill === undefined ? null : { call: kill.someTime(1, 300), late: kill.chance(0.5) },
      pause: pause === undefined ? null : { call: pause.someTime(1, 200), duration: pause.someTime(SECOND, 3 * HOUR) },
      stall: stall === undefined ? null : { call: stall.someTime(1, 200), duration: stall.someTime(SECOND, 3 * HOUR) },
    };
  }
}
