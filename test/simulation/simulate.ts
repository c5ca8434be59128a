import { JwtrotError } from '../../src/keyset/error.js';
import { upcoming } from '../../src/keyset/upcoming.js';
import type { KeysetResult } from '../../src/rollout/rotate.js';
import { Operators, type Started } from './operators.js';
import { Random } from './random.js';
import { type Fate, UNDISTURBED } from './runner.js';
import type { SimService } from './services.js';
import { unsettled } from './settled.js';
import { type Shape, shapeOf } from './shape.js';
import { World } from './world.js';

export interface SeedResult {
  readonly seed: number;
  readonly broken: readonly { readonly invariant: string; readonly what: string }[];
  readonly steps: number;
  readonly kills: number;
  readonly pauses: number;
  readonly faults: number;
  readonly runs: number;
  readonly rotations: number;
  /** Tokens presented, the youngest of a kid standing for its elders. */
  readonly tokens: number;
  readonly history: readonly string[];
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const DEEDS = {
  timer: 45,
  force: 8,
  immediate: 4,
  retire: 8,
  retireBare: 1,
  sync: 6,
  restart: 8,
  replace: 3,
  deploy: 4,
  reboot: 3,
  badKey: 2,
  clocks: 3,
  clockBack: 1.5,
  suspend: 2,
  secondRunner: 5,
  policy: 2,
} as const;

function isElsewhere(service: SimService): boolean {
  return service.shape.service.name === 'branch';
}

/** One history: what happens to whom, and when, from the seed alone. */
class History {
  readonly operators: Operators;
  readonly random: Random;
  #started: Started[] = [];

  constructor(readonly world: World) {
    this.operators = new Operators(world);
    this.random = new Random(world.seed, 4);
  }

  async play(): Promise<void> {
    const { world, operators, random } = this;
    if (world.shape.secondHost && world.bound) operators.keepSecondHost();
    for (let deed = 0; deed < world.shape.deeds && world.violations.length === 0; deed += 1) {
      await this.#deed();
      const last = this.#started.at(-1);
      if (last !== undefined && !random.chance(world.shape.overlap)) {
        await operators.until(last, this.#someTime(10 * MINUTE, 12 * HOUR));
        await operators.pass(this.#pause());
      } else {
        await operators.pass(this.#someTime(5, 3 * MINUTE));
      }
      this.#started = this.#started.filter((one) => one.runner.alive);
    }
    if (world.violations.length === 0) await this.#settle();
  }

  /** Log-uniform: short and long alike. */
  #someTime(least: number, most: number): number {
    return Math.floor(least * (most / least) ** this.random.next());
  }

  /** Until the next thing falls due, or some other time. */
  #pause(): number {
    const { world, random } = this;
    const { manifest } = world.store;
    const next = manifest === null ? null : upcoming(manifest, world.policy, world.now);
    if (random.chance(0.6) && next?.at != null && next.at > world.now)
      return Math.min(next.at - world.now, 10 * 24 * HOUR) + random.between(0, 5 * MINUTE);
    return random.chance(0.5) ? this.#someTime(SECOND, HOUR) : this.#someTime(MINUTE, world.policy.rotateEvery);
  }

  #fate(): Fate {
    const { random } = this;
    const { kills, pauses } = this.world.shape;
    return {
      kill: random.chance(kills) ? { call: this.#someTime(1, 300), late: random.chance(0.5) } : null,
      pause: random.chance(pauses)
        ? { call: this.#someTime(1, 200), duration: this.#someTime(SECOND, 3 * HOUR) }
        : null,
    };
  }

  async #deed(): Promise<void> {
    const { world, operators, random } = this;
    const deed = random.weighted(DEEDS);
    const [main, second] = world.hosts;
    const service = random.pick(world.services);
    const instance = random.pick(service.instances);
    switch (deed) {
      case 'timer':
        return this.#start(operators.rotate({}, this.#fate()));
      case 'force':
        return this.#start(operators.rotate({ force: true }, this.#fate()));
      case 'immediate':
        return this.#start(operators.rotate({ force: true, immediate: true }, this.#fate()));
      case 'retire':
        return this.#retire(false);
      case 'retireBare':
        return this.#retire(true);
      case 'sync':
        // By hand it would hide from the next run that services hold what outlets held meanwhile: it is for the boot.
        if (!world.outlets[0].wasTamperedWith()) operators.sync(main, this.#fate());
        return;
      case 'secondRunner':
        if (world.shape.secondHost && world.store.manifest !== null)
          this.#start(operators.rotate({}, this.#fate(), second));
        return;
      case 'restart':
        return service.restart(instance, this.#someTime(100, MINUTE));
      case 'replace':
        return service.replace(instance);
      case 'deploy':
        return this.#deploy();
      case 'reboot':
        return this.#reboot();
      case 'badKey':
        for (const ahead of [1, 2]) service.cannotUse.add(`k${world.keys.made + ahead}`.padEnd(43, '-'));
        return;
      case 'clocks':
        if (world.shape.skewed) world.shiftClocks();
        return;
      case 'clockBack':
        return this.#clockBack();
      case 'suspend':
        return this.#suspend();
      case 'policy':
        return this.#changePolicy();
    }
  }

  #start(started: Started): void {
    this.#started.push(started);
  }

  #retire(bare: boolean): void {
    const { world, operators, random } = this;
    const keys = world.store.manifest?.keys.filter((key) => key.state !== 'destroyed') ?? [];
    if (keys.length === 0) return;
    const { kid } = random.pick(keys);
    const deadline = random.pick([10 * SECOND, 2 * MINUTE]);
    const options = { deadline, noReplacement: bare, purge: random.chance(0.2) };
    this.#start(operators.retire(kid, options, this.#fate()));
  }

  #deploy(): void {
    const { world, random } = this;
    const [outlets] = world.outlets;
    const place = random.pick(outlets.publish);
    const former = place.history.filter((one) => !one.absent);
    if (former.length > 0 && place.outlet.type === 'file') outlets.setBack(place, random.pick(former).kids);
  }

  async #reboot(): Promise<void> {
    const { world, random } = this;
    const [main] = world.hosts;
    world.log(() => 'the first host reboots');
    for (const runner of main.runners.values()) runner.die();
    main.boot += 1;
    world.outlets[0].reboot();
    for (const service of world.services)
      for (const worker of service.workers) if (!isElsewhere(service)) worker.stop();
    await this.operators.pass(random.between(SECOND, MINUTE));
    // Services are ordered after `sync`, and start all the same where it fails.
    if (random.chance(0.7)) await this.operators.until({ runner: this.operators.sync(main, this.#fate()) }, 5 * MINUTE);
    for (const runner of main.runners.values()) if (runner.verb === 'sync') runner.die();
    for (const service of world.services) {
      if (isElsewhere(service)) continue;
      for (const instance of service.instances) service.restart(instance, random.between(0, 30 * SECOND));
    }
    this.#start(this.operators.rotate({}, this.#fate()));
  }

  /** A clock that starts far in the past, and is set right later: everybody can see that it is behind. */
  async #clockBack(): Promise<void> {
    const { world, random, operators } = this;
    const [main] = world.hosts;
    const newest = world.store.manifest?.events.at(-1)?.at;
    if (newest === undefined) return;
    const right = main.offset;
    const behind = world.now + right - newest + 2 * world.policy.clockSkew + this.#someTime(SECOND, 48 * HOUR);
    main.offset = right - behind;
    world.log(() => `the clock of ${main.id} goes back by ${behind} ms`);
    const started = random.chance(0.7) ? operators.rotate({}, this.#fate()) : null;
    if (started !== null) await operators.until(started, HOUR);
    main.offset = right;
    world.log(() => `the clock of ${main.id} is right again`);
  }

  #suspend(): void {
    const { world } = this;
    const [main] = world.hosts;
    const duration = this.#someTime(SECOND, 3 * HOUR);
    world.log(() => `${main.id} is suspended for ${duration} ms`);
    main.suspended += duration;
    for (const runner of main.runners.values()) runner.pausedUntil = Math.max(runner.pausedUntil, world.now + duration);
  }

  /** The operator changes jwtrot's policy; services mint by it only after a run has taken note. */
  #changePolicy(): void {
    const { world, random } = this;
    const longer = random.chance(0.5) ? 2 : 1;
    const { shape } = world;
    const maxTokenTtl = shape.policy.maxTokenTtl * longer;
    const more = maxTokenTtl - shape.policy.maxTokenTtl;
    world.policy = { ...shape.policy, maxTokenTtl, verifyFor: shape.policy.verifyFor + more };
    world.log(() => `maxTokenTtl is ${maxTokenTtl} ms from now on`);
    const runner = this.operators.rotate({}, UNDISTURBED);
    this.#start(runner);
    const take = () => {
      if (runner.runner.alive) world.scheduler.after(SECOND, take);
      else if (runner.result?.exit === 0) world.mintingPolicy = world.policy;
    };
    // A longer life is for after the run, a shorter one for before.
    if (longer === 1) world.mintingPolicy = world.policy;
    else take();
  }

  /** Nothing disturbs any more: I7. */
  async #settle(): Promise<void> {
    const { world, operators } = this;
    world.disturbed = false;
    world.log(() => 'nothing disturbs any more');
    await world.scheduler.run(
      () =>
        [...world.hosts].every((host) => [...host.runners.values()].every((one) => !one.alive || one.verb === 'sync')),
      world.now + 24 * HOUR,
    );
    for (const service of world.services) {
      service.cannotUse.clear();
      for (const worker of service.workers) if (!worker.up) worker.apply(worker.read(false));
    }
    await operators.pass(26 * HOUR);
    const first = await this.#finalRun();
    if (first === null || world.violations.length > 0) return;
    const found = unsettled(world);
    if (first.exit !== 0)
      world.break(
        'I7',
        `the undisturbed run ended with exit ${first.exit}: ${first.error?.message ?? first.problems.map((one) => one.message).join('; ')}`,
      );
    else if (found.length > 0) world.break('I7', `not settled: ${found.join('; ')}`);
    else await this.#goOn(first.active);
  }

  async #finalRun(): Promise<KeysetResult | null> {
    const result = await this.operators.run();
    const error = result?.error;
    const behind = error instanceof JwtrotError && error.code === 'clock-behind';
    return behind ? this.operators.run({ acceptClock: true }) : result;
  }

  /** And it rotates on. */
  async #goOn(active: string | null): Promise<void> {
    const { world, operators } = this;
    for (let i = 0; i < 3; i += 1) {
      await operators.pass(world.policy.rotateEvery + world.policy.publishAhead);
      if (world.violations.length > 0) return;
      const result = await operators.run();
      if (world.violations.length > 0) return;
      if (result?.exit !== 0)
        world.break(
          'I7',
          `a later run ended with exit ${result?.exit}: ${result?.error?.message ?? result?.problems.map((one) => one.message).join('; ')}`,
        );
    }
    const found = unsettled(world);
    if (found.length > 0) world.break('I7', `not settled later: ${found.join('; ')}`);
    if (world.store.manifest?.keys.find((key) => key.kid === active)?.state === 'active')
      world.break('I7', 'it rotates no more');
  }
}

export async function simulate(
  seed: number,
  options: { shape?: (shape: Shape) => Shape; verbose?: boolean } = {},
): Promise<SeedResult> {
  const shape = options.shape?.(shapeOf(seed)) ?? shapeOf(seed);
  const world = new World(seed, shape, options.verbose ?? false);
  await new History(world).play();
  return resultOf(world);
}

export function resultOf(world: World): SeedResult {
  const { kills, pauses, faults, runs, rotations } = world.counters;
  return {
    seed: world.seed,
    broken: world.violations,
    steps: world.scheduler.steps,
    kills,
    pauses,
    faults,
    runs,
    rotations,
    tokens: world.tokens.presented,
    history: world.history,
  };
}
