import { activeKey } from '../../src/keyset/projection.js';
import type { Instance, Report, Service, ServicePort } from '../../src/services/service.js';
import { signs } from '../../src/services/service.js';
import { short } from './keys.js';
import type { DeliverPlace, PublishPlace } from './outlet.js';
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
  /** Where verifiers read the JWKS; null for a mere signer, and for a verifier that is not polled. */
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
  /** What the next reloads are to come to, for traces: when it reads and when that takes effect, in milliseconds. */
  readonly planned: { readonly readAt: number; readonly effectAt: number; readonly staleBy?: number }[] = [];
  /** So many of the next reloads have no effect, though they are said to. */
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

  /** The key that a signer finds. */
  deliveredKid(mayBeStale: boolean): string | null {
    const { world } = this;
    if (this.shape.signsFrom !== null) return this.shape.signsFrom.kid;
    const snapshot = mayBeStale ? world.staleManifest() : world.store.manifest;
    return snapshot === null ? null : (activeKey(snapshot)?.kid ?? null);
  }

  /** How long after the order a reload may still take effect. */
  get effectTime(): number {
    const { reload, health } = this.shape.service;
    return Math.max(health?.deadline ?? 0, reload.type === 'none' ? 0 : reload.timeout);
  }

  port(runner: Runner): ServicePort {
    const { world } = this;
    const { service } = this.shape;
    return {
      service,
      listInstances: () => world.call(runner, () => this.instances.map(({ name }) => ({ name, address: null }))),
      reload: (instance) => reload(this, runner, instance),
      probe: (instance) => world.call(runner, () => this.#probe(runner, instance)),
    };
  }

  #probe(runner: Runner, { name }: Instance): Report {
    const { world } = this;
    const instance = this.instances.find((one) => one.name === name);
    if (instance === undefined) return { ok: false, reason: 'connection refused' };
    if (world.faulty('service')) return { ok: false, reason: 'HTTP 503' };
    instance.turn += world.disturbed ? world.faults.between(1, instance.workers.length) : 1;
    const worker = instance.workers[instance.turn % instance.workers.length];
    if (worker === undefined || !worker.up) return { ok: false, reason: 'connection refused' };
    const { role } = this.shape.service;
    const kids = role === 'signer' ? null : worker.view.kids;
    if (kids !== null) world.checks.reported(runner, worker.name, kids);
    return { ok: true, kid: role === 'verifier' ? null : worker.kid, kids, worker: worker.name };
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
