import type { Manifest } from '../../src/keyset/model.js';
import type { Policy } from '../../src/keyset/policy.js';
import type { KeysetContext } from '../../src/rollout/context.js';
import { Checks } from './checks.js';
import { contextOf } from './context.js';
import { describeChange } from './describe-change.js';
import { SimKeys } from './keys.js';
import { makeOutlets } from './making.js';
import type { HostOutlets } from './outlets.js';
import { Random } from './random.js';
import { FAULT_KINDS, type FaultKind } from './reach.js';
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
  readonly latency: Random;
  readonly faults: Random;
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
  /** Told of every commit, by its newest event: traces kill and pause by them. */
  readonly watchers = new Set<(runner: Runner, event: string) => void>();
  /** How often what fails; traces change it as they go. */
  readonly rates: Record<FaultKind, number>;
  /** While true, faults happen. */
  disturbed = true;
  /** A clock was wrong by more than `clockSkew`, and nobody could tell: expiry is no promise any more. */
  clockWasWrong = false;
  /** What jwtrot is configured with, and what signers mint by; an operator changes them one after the other. */
  policy: Policy;
  mintingPolicy: Policy;
  #pid = 1;
  #ids = 0;
  #order = 0;

  constructor(
    readonly seed: number,
    readonly shape: Shape,
    readonly verbose = false,
  ) {
    this.policy = this.mintingPolicy = shape.policy;
    this.rates = { ...shape.faults };
    this.latency = new Random(seed, 2);
    this.faults = new Random(seed, 3);
    this.calls = new Calls(this.scheduler, this.faults, this.counters);
    this.store = new SimStore(this);
    this.keys = new SimKeys(this);
    this.tokens = new Tokens(this);
    this.checks = new Checks(this);
    this.hosts = [new SimHost('host-a', this.scheduler), new SimHost('host-b', this.scheduler)];
    const main = makeOutlets(this, 'a', null);
    this.outlets = [main, makeOutlets(this, 'b', main)];
    this.bound = shape.deliver || shape.publish.some((one) => one.kind === 'file');
    this.services = shape.services.map((one) => this.#makeService(one));
    if (shape.skewed) this.shiftClocks();
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
      verifiesFrom: verifies ? (places[this.faults.between(0, places.length - 1)] ?? null) : null,
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
  shiftClocks(): void {
    const most = Math.floor(this.shape.policy.clockSkew / 2);
    for (const host of this.hosts) host.offset = this.faults.between(-most, most);
  }

  call<T>(runner: Runner, effect: () => T, timing: Partial<CallTiming> = NO_TIMING): Promise<T> {
    const most = this.disturbed ? 30 : 5;
    const slow = this.disturbed && this.latency.chance(0.02) ? this.latency.between(100, 3_000) : 0;
    const before = timing.before ?? this.latency.between(1, most) + slow;
    const after = timing.after ?? this.latency.between(0, most);
    return this.calls.make(runner, before, after, timing.remote === true, effect);
  }

  faulty(kind: FaultKind): boolean {
    if (!this.disturbed) return false;
    const rate = this.rates[kind];
    if (rate === 0 || !this.faults.chance(rate)) return false;
    this.counters.faults[kind] += 1;
    return true;
  }

  nextOrder(): number {
    this.#order += 1;
    return this.#order;
  }

  staleManifest(): Manifest | null {
    return this.shape.eventual && this.disturbed ? this.store.someFormer() : this.store.manifest;
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
    return new Runner(host, this.#pid, verb, fate);
  }

  context(runner: Runner): KeysetContext {
    return contextOf(this, runner);
  }

  newId(): string {
    this.#ids += 1;
    return `id ${this.#ids}`;
  }
}
