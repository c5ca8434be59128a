import type { Key } from '../../src/keyset/manifest/key.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { activeKey } from '../../src/keyset/questions/keys.js';
import type { Health, Role, Service } from '../../src/services/service.js';
import { Operators, type Started } from './operators.js';
import { DEEDS, NO_REACH } from './reach.js';
import type { SimService } from './services.js';
import { unsettled } from './settled.js';
import { QUIET, type Shape, type SomeService } from './shape.js';
import { World } from './world.js';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

export function someService(name: string, role: Role, changes: Partial<SomeService> = {}): SomeService {
  const health: Health = {
    type: 'json',
    url: 'http://{address}/',
    kid: '/kid',
    kids: '/kids',
    preloaded: null,
    headers: [] as never,
    tls: {} as never,
    timeout: 2 * SECOND,
    deadline: 120 * SECOND,
    confirmations: 1,
    distinct: null,
  };
  const reload = { type: 'command', command: { argv: ['/bin/true'], env: [] }, timeout: 60 * SECOND };
  const service: Service = { name, role, instances: null, reload: reload as never, health, rollout: { batch: 'all' } };
  return {
    service,
    instances: role === 'verifier' ? 2 : 1,
    workers: 1,
    asksStore: false,
    elsewhere: false,
    ...changes,
  };
}

const POLICY: Shape['policy'] = {
  alg: 'ES256',
  modulusLength: 2048,
  maxTokenTtl: HOUR,
  rotateEvery: 24 * HOUR,
  jwksMaxAge: 10 * MINUTE,
  publishAhead: 11 * MINUTE,
  slowestReload: 0,
  signerMaxAge: HOUR,
  verifyFor: HOUR + 4 * MINUTE,
  clockSkew: MINUTE,
  maxKeys: 10,
  unlistedVerifiers: true,
  onUnconfirmed: 'auto',
  rollout: { batch: 'all' },
  recoveryWindowDays: 7,
};

const SHAPE: Shape = {
  policy: POLICY,
  services: [someService('issuer', 'signer'), someService('api', 'verifier')],
  publish: [{ kind: 'file', url: false, tmpfs: false, heedsRevision: true }],
  deliver: true,
  secondHost: false,
  encode: false,
  compareAndSwap: true,
  commitsPerDay: null,
  faults: QUIET,
  kills: 0,
  pauses: 0,
  deeds: 0,
  weights: DEEDS,
  reach: NO_REACH,
  overlap: 0,
  skewed: false,
};

/** A small world to stage a history in, step by step. It has a signer, two verifier instances and unlisted verifiers. */
export class Stage {
  readonly world: World;
  readonly operators: Operators;

  constructor(
    changes: Partial<Omit<Shape, 'policy'>> & { readonly policy?: Partial<Shape['policy']> } = {},
    seed = 1,
    verbose = true,
  ) {
    const policy = { ...POLICY, ...changes.policy };
    this.world = new World(seed, { ...SHAPE, ...changes, policy }, verbose);
    this.operators = new Operators(this.world);
  }

  get manifest(): Manifest {
    const { manifest } = this.world.store;
    if (manifest === null) throw new Error('there is no manifest yet');
    return manifest;
  }

  get active(): string | null {
    return short(activeKey(this.manifest)?.kid);
  }

  get published(): string[] {
    return (this.world.outlets[0].publish[0]?.content.kids ?? []).map((kid) => short(kid) ?? '');
  }

  get delivered(): string | null {
    return short(this.world.outlets[0].deliver[0]?.kid);
  }

  key(name: string): Key {
    const found = this.manifest.keys.find((key) => short(key.kid) === name);
    if (found === undefined) throw new Error(`there is no key ${name}`);
    return found;
  }

  kid(name: string): string {
    return this.key(name).kid;
  }

  service(name: string): SimService {
    const found = this.world.services.find((service) => service.name === name);
    if (found === undefined) throw new Error(`there is no service ${name}`);
    return found;
  }

  /** k1 signs. */
  async begin(): Promise<void> {
    await this.operators.run();
    if (this.active !== 'k1') throw new Error(`k1 does not sign: ${this.world.history.join('\n')}`);
    await this.operators.pass(HOUR);
  }

  /** k1 signs, k2 is published and confirmed; `publishAhead` runs. */
  async beginAhead(): Promise<void> {
    await this.begin();
    await this.operators.run({ force: true });
    if (this.key('k2').state !== 'pending') throw new Error(`k2 is not pending: ${this.world.history.join('\n')}`);
  }

  /** Starts a run and kills it directly after the commit of this event has taken effect. */
  async killedAfter(event: string, start: () => Started): Promise<void> {
    const started = start();
    const watch = (runner: unknown, newest: string) => {
      if (runner === started.runner && newest === event) started.runner.die();
    };
    this.world.watchers.add(watch);
    await this.operators.until(started);
    this.world.watchers.delete(watch);
    if (started.result !== null) throw new Error(`it was not killed: ${this.world.history.join('\n')}`);
  }

  /** Starts a run and stops it for a time directly after the commit of this event. */
  async pausedAfter(event: string, duration: number, start: () => Started): Promise<Started> {
    const started = start();
    let hit = false;
    const watch = (runner: unknown, newest: string) => {
      if (runner !== started.runner || newest !== event) return;
      hit = true;
      started.runner.pausedUntil = this.world.now + duration;
    };
    this.world.watchers.add(watch);
    await this.world.scheduler.run(() => hit || !started.runner.alive, this.world.now + HOUR);
    this.world.watchers.delete(watch);
    if (!hit) throw new Error(`it was not paused: ${this.world.history.join('\n')}`);
    return started;
  }

  /** Nothing was broken, and after back-offs and windows one run settles everything. */
  async broken(): Promise<string[]> {
    const { world, operators } = this;
    if (world.violations.length === 0) {
      for (const service of world.services) {
        service.cannotUse.clear();
        service.cannotUnwrap.clear();
        service.mislabels.clear();
        service.guard.right();
        for (const worker of service.workers) if (!worker.up) worker.apply(worker.read(false));
      }
      Object.assign(world.rates, QUIET);
      await operators.pass(26 * HOUR);
      const result = await operators.run();
      if (result?.exit !== 0)
        world.break('I7', `exit ${result?.exit}: ${result?.error?.message ?? JSON.stringify(result?.problems)}`);
      for (const found of unsettled(world)) world.break('I7', found);
    }
    return world.violations.length === 0
      ? []
      : [...world.violations.map((one) => `${one.invariant}: ${one.what}`), ...world.history];
  }
}

function short(kid: string | null | undefined): string | null {
  return kid == null ? null : kid.replace(/-+$/, '');
}
