import { activeKey } from '../../src/keyset/questions/keys.js';
import { limitedPolls } from '../../src/services/polls.js';
import type { Instance, Report, Service, ServicePort } from '../../src/services/service.js';
import { signs } from '../../src/services/service.js';
import { Guard, showCanaries } from './canaries.js';
import type { DeliverPlace } from './deliver-place.js';
import type { Source } from './injected.js';
import { short } from './keys.js';
import type { PublishPlace } from './outlet.js';
import { reload } from './reloading.js';
import type { Runner } from './runner.js';
import { type Reading, Worker } from './worker.js';
import type { World } from './world.js';

export interface SimInstance {
  readonly name: string;
  readonly workers: readonly Worker[];
  readonly bornAt: number;
  turn: number;
  /** It never comes back. */
  dead: boolean;
}

export interface ServiceShape {
  readonly service: Service;
  /** Where verifiers read the JWKS; null: it only signs, or is not polled. */
  readonly verifiesFrom: PublishPlace | null;
  /** Where signers read the key; null: they ask the store and KMS themselves. */
  readonly signsFrom: DeliverPlace | null;
  readonly workers: number;
}

/** A dependent service: instances that are slow, stuck, restarting, replaced, or answer as before. */
export class SimService {
  readonly instances: SimInstance[] = [];
  readonly signs: boolean;
  readonly verifiesFrom: PublishPlace | null;
  /** Keys that break it: it does not come up with them. */
  readonly cannotUse = new Set<string>();
  /** Keys that it can't unwrap: it does not get them into its memory, and goes on with what it has. */
  readonly cannotUnwrap = new Set<string>();
  /** Keys that it takes up by name alone: its tokens carry the kid, and are signed with another key. */
  readonly mislabels = new Set<string>();
  /** What it does with canaries. */
  readonly guard = new Guard();
  /** What the next reloads do, for traces: when each reads, and when that takes effect, in milliseconds. */
  readonly planned: { readonly readAt: number; readonly effectAt: number; readonly staleBy?: number }[] = [];
  /** How many of the next reloads have no effect, although they report success. */
  losesReloads = 0;
  #serial = 0;

  constructor(
    readonly world: World,
    readonly shape: ServiceShape,
    count: number,
  ) {
    this.signs = signs(shape.service);
    this.verifiesFrom = shape.verifiesFrom;
    for (let i = 0; i < count; i += 1) this.addInstance();
  }

  /** It asks the store for its signing key, and reads no delivered file. */
  get asksStore(): boolean {
    return this.shape.signsFrom === null;
  }

  get name(): string {
    return this.shape.service.name;
  }

  get workers(): Worker[] {
    return this.instances.flatMap((instance) => instance.workers);
  }

  addInstance(): SimInstance {
    this.#serial += 1;
    const name = `${this.name}-${this.#serial}`;
    const workers = Array.from({ length: this.shape.workers }, (_, i) => new Worker(this, `${name}/${i}`));
    const instance = { name, workers, turn: 0, bornAt: this.world.now, dead: false };
    this.instances.push(instance);
    for (const worker of workers) worker.apply(worker.read(false));
    return instance;
  }

  /** It says which keys it has in memory. */
  get preloads(): boolean {
    const { health } = this.shape.service;
    return health?.type === 'json' && health.preloaded !== null;
  }

  /** The keys that a signer finds: the one to sign with, and from a store those in its memory. */
  foundKeys(source: Source, mayBeStale: boolean): { kid: string | null; preloaded: readonly string[] } {
    const { world } = this;
    if (this.shape.signsFrom !== null) return { kid: this.shape.signsFrom.kid, preloaded: [] };
    const snapshot = mayBeStale ? world.staleManifest(source) : world.store.manifest;
    const keys = snapshot?.keys.filter(({ state }) => state === 'pending' || state === 'active') ?? [];
    const preloaded = keys.map(({ kid }) => kid).filter((kid) => !this.cannotUnwrap.has(kid));
    return { kid: snapshot === null ? null : (activeKey(snapshot)?.kid ?? null), preloaded };
  }

  /** How long after the order a reload may still take effect. */
  get effectTime(): number {
    const { reload, health } = this.shape.service;
    return Math.max(health?.deadline ?? 0, reload.type === 'none' ? 0 : reload.timeout);
  }

  port(runner: Runner): ServicePort {
    const { world } = this;
    const { service } = this.shape;
    const polls = service.health?.type === 'token' ? limitedPolls() : null;
    return {
      service,
      ...(polls === null ? {} : { polls }),
      listInstances: () => world.call(runner, () => this.instances.map(({ name }) => ({ name, address: null }))),
      reload: (instance, signal) => reload(this, runner, instance, signal),
      probe: (instance, _signal, proving, kids = []) => {
        polls?.add(instance);
        const { health } = service;
        if (health?.type === 'canary') return showCanaries(this, runner, health, { instance, proving, kids });
        return world.call(runner, () => this.#probe(runner, instance));
      },
    };
  }

  #probe(runner: Runner, { name }: Instance): Report {
    const { world } = this;
    const instance = this.instances.find((one) => one.name === name);
    if (instance === undefined) return { ok: false, reason: 'connection refused' };
    if (world.strikes(runner.source, 'service') !== null) return { ok: false, reason: 'HTTP 503' };
    instance.turn += world.disturbed ? runner.source.stream('worker').between(1, instance.workers.length) : 1;
    const worker = instance.workers[instance.turn % instance.workers.length];
    if (worker === undefined || !worker.up) return { ok: false, reason: 'connection refused' };
    const { role, health } = this.shape.service;
    if (health?.type === 'token') return this.#login(runner, instance, worker);
    const kids = role === 'signer' ? null : worker.view.kids;
    if (kids !== null) world.checks.reported(runner, worker.name, kids);
    const { preloaded } = worker;
    if (this.preloads) world.checks.preloaded(runner, worker.name, preloaded);
    const held = this.preloads ? { preloaded } : {};
    return { ok: true, kid: role === 'verifier' ? null : worker.kid, kids, ...held, worker: worker.name };
  }

  /** It mints a token, which the run verifies. */
  #login(runner: Runner, instance: SimInstance, { kid, mislabeled }: Worker): Report {
    this.world.checks.loggedIn(runner, instance.name);
    if (mislabeled !== null) return { ok: false, reason: `its token of ${short(mislabeled)} does not verify` };
    return kid === null ? { ok: false, reason: 'HTTP 500' } : { ok: true, kid, kids: null, worker: null };
  }

  apply(worker: Worker, read: Reading): void {
    if (!this.instances.some((one) => !one.dead && one.workers.includes(worker))) return;
    worker.apply(read);
    this.world.log(() => `${worker.name} has loaded ${short(worker.kid)}, [${worker.view.kids.map(short).join(' ')}]`);
  }

  /** A restart of its own: it reads anew, perhaps what a cache holds. */
  restart(instance: SimInstance, down: number, staleBy: number | true = true): void {
    const { world } = this;
    world.log(() => `${instance.name} restarts`);
    for (const worker of instance.workers) {
      worker.stop();
      world.scheduler.after(down, () => this.apply(worker, worker.read(staleBy, world.shape.reach.lagAtStart)));
    }
  }

  /** Another instance takes its place. */
  replace(instance: SimInstance): void {
    this.world.log(() => `${instance.name} is replaced`);
    this.kill(instance);
    this.instances.splice(this.instances.indexOf(instance), 1);
    this.addInstance();
  }

  kill(instance: SimInstance): void {
    instance.dead = true;
    for (const worker of instance.workers) {
      worker.stop();
      this.world.tokens.forget(worker);
    }
  }

  /** Dead instances are taken out of the configuration. */
  bury(): void {
    const living = this.instances.filter((one) => !one.dead);
    if (living.length > 0) this.instances.splice(0, this.instances.length, ...living);
  }

  /** Another service of the same kind. */
  sibling(name: string, count: number): SimService {
    const service = { ...this.shape.service, name };
    const sibling = new SimService(this.world, { ...this.shape, service }, count);
    this.world.refreshItself(sibling);
    return sibling;
  }
}
