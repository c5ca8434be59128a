import type { Policy } from '../../src/keyset/basics/policy.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import type { KeysetContext } from '../../src/rollout/context.js';
import { Checks } from './checks.js';
import { contextOf } from './context.js';
import { describeChange } from './describe-change.js';
import { type Choice, Injected, Source, type Strike } from './injected.js';
import { SimKeys } from './keys.js';
import { FAULT_KINDS, type FaultKind } from './kinds.js';
import { makeOutlets } from './making.js';
import type { HostOutlets } from './outlets.js';
import type { Random } from './random.js';
import { Calls, type CallTiming, type Fate, Runner, SimHost } from './runner.js';
import { Scheduler } from './scheduler.js';
import { SimService } from './services.js';
import type { Shape } from './shape.js';
import { SimStore } from './store.js';
import { Tokens } from './tokens.js';

export interface Violation {
  readonly invariant: string;
  readonly what: string;
  readonly at: number;
}

export type FaultCounts = Record<FaultKind, number>;

const NO_TIMING: Partial<CallTiming> = {};
const START = Date.UTC(2026, 0, 1);

/** Everything around the code under test, from one seed. */
export class World {
  readonly scheduler = new Scheduler(START);
  readonly injected: Injected;
  readonly counters = {
    kills: 0,
    pauses: 0,
    rotations: 0,
    runs: 0,
    faults: Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as FaultCounts,
  };
  readonly calls: Calls;
  readonly store: SimStore;
  readonly keys: SimKeys;
  readonly tokens: Tokens;
  readonly checks: Checks;
  readonly hosts: readonly [SimHost, SimHost];
  readonly outlets: readonly [HostOutlets, HostOutlets];
  readonly services: SimService[];
  readonly bound: boolean;
  readonly violations: Violation[] = [];
  readonly history: string[] = [];
  onCommit: (() => void) | null = null;
  /** Called with the newest event of every commit: traces kill and pause runs by it. */
  readonly watchers = new Set<(runner: Runner, event: string) => void>();
  /** How often each thing fails; traces change it as they go. */
  readonly rates: Record<FaultKind, number>;
  /** While true, faults happen. */
  disturbed = true;
  /** A clock was wrong by more than `clockSkew`, and nobody could tell: expiry is no longer a promise. */
  clockWasWrong = false;
  /** The policy of jwtrot's configuration, and the one that signers mint by. An operator changes one after the other. */
  policy: Policy;
  mintingPolicy: Policy;
  #pid = 1;
  #ids = 0;
  #order = 0;

  constructor(
    readonly seed: number,
    readonly shape: Shape,
    readonly verbose = false,
    choice: Choice = {},
  ) {
    this.policy = this.mintingPolicy = shape.policy;
    this.rates = { ...shape.faults };
    this.injected = new Injected(seed, choice);
    this.calls = new Calls(this.scheduler, this.counters, (runner, text) => this.say(runner, text));
    this.store = new SimStore(this);
    this.keys = new SimKeys(this);
    this.tokens = new Tokens(this);
    this.checks = new Checks(this);
    this.hosts = [new SimHost('host-a', this.scheduler), new SimHost('host-b', this.scheduler)];
    const main = makeOutlets(this, 'a', null);
    this.outlets = [main, makeOutlets(this, 'b', main)];
    this.bound = shape.deliver !== false || shape.publish.some((one) => one.kind !== 'command');
    this.services = shape.services.map((one) => this.#makeService(one));
    if (shape.skewed) this.shiftClocks(this.source('clocks').stream('offset'));
  }

  get now(): number {
    return this.scheduler.time;
  }

  #makeService(one: Shape['services'][number]): SimService {
    const outlets = this.outlets[one.elsewhere ? 1 : 0];
    const places = outlets.publish;
    const verifies = one.service.role !== 'signer' && one.service.health !== null;
    const made = {
      service: one.service,
      workers: one.workers,
      verifiesFrom: verifies ? this.source(one.service.name).stream('place').pick(places) : null,
      signsFrom: one.asksStore ? null : (outlets.deliver[0] ?? null),
    };
    const service = new SimService(this, made, one.instances);
    this.refreshItself(service);
    return service;
  }

  /** A signer that can't be polled looks for its key by itself, often enough for `signerMaxAge`. */
  refreshItself(service: SimService): void {
    if (!service.signs || service.shape.service.health !== null) return;
    const every = Math.floor(0.9 * this.shape.policy.signerMaxAge);
    const refresh = () => {
      for (const worker of service.workers) if (worker.up) worker.apply(worker.read(false));
      this.scheduler.after(every, refresh);
    };
    this.scheduler.after(every, refresh);
  }

  /** Each machine's clock is within half of `clockSkew` of the true time: two differ by at most all of it. */
  shiftClocks(random: Random): void {
    const most = Math.floor(this.shape.policy.clockSkew / 2);
    for (const host of this.hosts) host.offset = random.between(-most, most);
  }

  call<T>(runner: Runner, effect: () => T, timing: Partial<CallTiming> = NO_TIMING): Promise<T> {
    const most = this.disturbed ? 30 : 5;
    const latency = runner.source.stream('latency');
    const slow = this.strikes(runner.source, 'slow')?.random.between(100, 3_000) ?? 0;
    const before = timing.before ?? latency.between(1, most) + slow;
    const after = timing.after ?? latency.between(0, most);
    return this.calls.make(runner, before, after, timing.remote === true, effect);
  }

  /** A fault, if one comes about now. */
  strikes(source: Source, kind: FaultKind, rate = this.rates[kind]): Strike | null {
    if (!this.disturbed) return null;
    const strike = source.strikes(kind, rate);
    if (strike === null) return null;
    this.counters.faults[kind] += 1;
    this.log(() => `[${strike.name}]`);
    return strike;
  }

  source(name: string): Source {
    return new Source(this.injected, name);
  }

  nextOrder(): number {
    this.#order += 1;
    return this.#order;
  }

  /** For a store that may be asked through a replica. */
  staleManifest(source: Source): Manifest | null {
    const strike = this.strikes(source, 'lag', Math.min(1, 4 * this.rates.lag));
    return strike === null ? this.store.manifest : this.store.someFormer(strike);
  }

  committed(runner: Runner, before: Manifest | null, manifest: Manifest): void {
    this.say(runner, () => `commits revision ${manifest.revision}: ${describeChange(before, manifest)}`);
    const done = manifest.events.at(-1);
    const isNew = before?.events.at(-1)?.at !== done?.at;
    if (done?.type === 'signers-confirmed' && isNew) this.counters.rotations += 1;
    this.onCommit?.();
    for (const watch of this.watchers) watch(runner, manifest.events.at(-1)?.type ?? '');
    this.checks.committed(runner, before, manifest);
  }

  break(invariant: string, what: string): void {
    this.violations.push({ invariant, what, at: this.now });
    this.log(() => `BROKEN ${invariant}: ${what}`);
  }

  log(text: () => string): void {
    if (!this.verbose) return;
    const said = text().replace(/-{9,}/g, '');
    this.history.push(`${new Date(this.now).toISOString().slice(5, 23)} ${said}`);
  }

  say(runner: Runner, text: () => string): void {
    this.log(() => `${runner.verb} (pid ${runner.pid}) ${text()}`);
  }

  start(host: SimHost, verb: string, fate: Fate): Runner {
    this.#pid += 1;
    this.counters.runs += 1;
    return new Runner(host, this.#pid, verb, fate, fate.source ?? this.source(`run${this.#pid}`));
  }

  context(runner: Runner): KeysetContext {
    return contextOf(this, runner);
  }

  newId(): string {
    this.#ids += 1;
    return `id ${this.#ids}`;
  }
}
