import { serviceFacts } from '../../src/config/policy.js';
import type { Duration } from '../../src/keyset/basics/clock.js';
import { leastVerifyFor, type Policy, policyProblems } from '../../src/keyset/basics/policy.js';
import type { Health, Role, Service } from '../../src/services/service.js';
import type { Deed } from './act.js';
import type { FaultKind } from './kinds.js';
import { Random } from './random.js';
import { DEEDS, NO_REACH, type Reach } from './reach.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export interface SomeService {
  readonly service: Service;
  readonly instances: number;
  readonly workers: number;
  /** A signer that asks the store itself and reads no delivered file. */
  readonly asksStore: boolean;
  /** On the second host, which `sync` serves. */
  readonly elsewhere: boolean;
}

/** One world, before anything happens in it. */
export interface Shape {
  readonly policy: Policy;
  readonly services: readonly SomeService[];
  readonly publish: readonly {
    kind: 'file' | 'directory' | 'command';
    url: boolean;
    tmpfs: boolean;
    heedsRevision: boolean;
  }[];
  /** To a file, or to a command. */
  readonly deliver: boolean | 'command';
  /** A second host, whose outlets `sync` writes. It may run `rotate` if nothing is bound to the first. */
  readonly secondHost: boolean;
  readonly encode: boolean;
  readonly compareAndSwap: boolean;
  readonly commitsPerDay: number | null;
  readonly faults: Readonly<Record<FaultKind, number>>;
  /** The chance that a run is killed, or paused. */
  readonly kills: number;
  readonly pauses: number;
  /** How many deeds operators, timers and machines do, and how often each. */
  readonly deeds: number;
  readonly weights: Readonly<Partial<Record<Deed, number>>>;
  readonly reach: Reach;
  /** The chance that a deed begins before the one before has ended. */
  readonly overlap: number;
  /** Clocks of machines differ by up to `clockSkew`. */
  readonly skewed: boolean;
}

function service(random: Random, name: string, role: Role, polled: boolean, workers: number): Service {
  // A service that hangs on the second host's `sync` needs time for it.
  const deadline = random.pick(name === 'branch' ? [60, 120] : [10, 30, 120]) * SECOND;
  const timeout = random.pick([5, 20, 60]) * SECOND;
  const distinct = workers > 1 ? { pointer: '/worker', count: workers } : null;
  const health: Health = {
    type: 'json',
    url: 'http://{address}/',
    kid: '/kid',
    kids: '/kids',
    preloaded: null,
    headers: {},
    tls: {},
    timeout: 2 * SECOND,
    deadline,
    confirmations: 1,
    distinct,
  } as Health;
  return {
    name,
    role,
    instances: null,
    reload: { type: 'command', command: { argv: ['/bin/true'], env: [] }, timeout } as Service['reload'],
    health: polled ? health : null,
    rollout: { batch: 'all' },
  };
}

function someServices(random: Random, secondHost: boolean, unlisted: boolean): SomeService[] {
  const make = (name: string, role: Role, polled: boolean, elsewhere = false): SomeService => {
    const workers = random.chance(0.25) ? 2 : 1;
    return {
      service: service(random, name, role, polled, workers),
      instances: random.pick([1, 1, 2, 3]),
      workers,
      asksStore: random.chance(0.2),
      elsewhere,
    };
  };
  const list = [make('issuer', random.chance(0.2) ? 'both' : 'signer', random.chance(0.85))];
  if (!unlisted || random.chance(0.85)) list.push(make('api', 'verifier', true));
  if (random.chance(0.3)) list.push(make('web', random.pick(['verifier', 'both'] as const), true));
  if (unlisted && random.chance(0.2)) list.push(make('edge', 'verifier', false));
  if (random.chance(0.2)) list.push(make('second', 'signer', random.chance(0.8)));
  // A signer there asks the store: until `sync` has run, it would have no key at all.
  if (secondHost)
    list.push({ ...make('branch', random.pick(['verifier', 'both'] as const), true, true), asksStore: true });
  return list;
}

/** The tightest policy that rejects no token: anything cut shorter shows. */
export function tightPolicy(random: Random, services: readonly Service[], unlisted: boolean): Policy {
  const facts = serviceFacts(services);
  const jwksMaxAge = unlisted ? random.pick([MINUTE, 10 * MINUTE, HOUR]) : random.pick([0, 0, 10 * MINUTE]);
  const clockSkew = random.pick([SECOND, 60 * SECOND]);
  const atOnce = !unlisted && facts.allVerifiersPolled && jwksMaxAge === 0;
  const maxTokenTtl = random.pick([5 * MINUTE, HOUR, 12 * HOUR]);
  const signerMaxAge: Duration = random.pick([10 * MINUTE, 2 * HOUR]);
  const policy: Policy = {
    alg: 'ES256',
    modulusLength: 2048,
    maxTokenTtl,
    rotateEvery: random.pick([6, 24, 72]) * HOUR,
    jwksMaxAge,
    publishAhead: atOnce ? 0 : jwksMaxAge + clockSkew,
    slowestReload: facts.slowestReload,
    signerMaxAge,
    verifyFor: leastVerifyFor({ maxTokenTtl, clockSkew, signerMaxAge }, facts),
    clockSkew,
    maxKeys: 40,
    unlistedVerifiers: unlisted,
    onUnconfirmed: random.pick(['auto', 'auto', 'wait', 'rollback'] as const),
    rollout: { batch: 'all' },
    recoveryWindowDays: 7,
  };
  const wrong = policyProblems(policy, facts)[0];
  if (wrong !== undefined) throw new Error(`the simulated policy is refused: ${wrong.message}`);
  return policy;
}

export const QUIET: Record<FaultKind, number> = {
  store: 0,
  kms: 0,
  service: 0,
  reload: 0,
  outlet: 0,
  stale: 0,
  lag: 0,
  slow: 0,
  record: 0,
};

function someFaults(random: Random): Record<FaultKind, number> {
  const rate = () => random.pick([0, 0.02, 0.05, 0.15]);
  return {
    store: rate(),
    kms: random.chance(0.3) ? rate() : 0,
    service: rate(),
    reload: 2 * rate(),
    outlet: rate(),
    stale: 0.15,
    lag: random.chance(0.4) ? 0.2 : 0,
    slow: 0.02,
    record: random.pick([0, 0, 0.02, 0.1]),
  };
}

/** @param listed all verifiers are listed, whatever the seed says */
export function shapeOf(seed: number, listed = false): Shape {
  const random = new Random(seed, 1);
  const unlisted = random.chance(0.7) && !listed;
  const isBound = random.chance(0.75);
  const secondHost = random.chance(0.3);
  const services = someServices(random, secondHost && isBound, unlisted);
  const kind = (): 'file' | 'command' => (isBound ? 'file' : 'command');
  const publish = Array.from({ length: random.pick([1, 1, 2]) }, () => ({
    kind: random.chance(0.2) ? ('command' as const) : kind(),
    url: random.chance(0.3),
    tmpfs: random.chance(0.3),
    heedsRevision: random.chance(0.8),
  }));
  const shape: Shape = {
    policy: tightPolicy(
      random,
      services.map((one) => one.service),
      unlisted,
    ),
    services,
    publish,
    deliver: isBound && random.chance(0.8),
    secondHost,
    encode: random.chance(0.05),
    compareAndSwap: true,
    commitsPerDay: null,
    faults: random.chance(0.1) ? QUIET : someFaults(random),
    kills: random.pick([0, 0.1, 0.3, 0.5]),
    pauses: random.pick([0, 0, 0.1, 0.3]),
    deeds: random.between(8, 40),
    weights: DEEDS,
    reach: NO_REACH,
    overlap: random.pick([0.1, 0.3, 0.6]),
    skewed: random.chance(0.5),
  };
  // Drawn last: whatever is drawn before stays as it is.
  return { ...shape, deliver: shape.deliver === true && random.chance(0.3) ? 'command' : shape.deliver };
}

/** Nothing goes wrong: for the figure, and as the ground of traces. */
export function calm(shape: Shape): Shape {
  return { ...shape, faults: QUIET, kills: 0, pauses: 0, overlap: 0, encode: false };
}
