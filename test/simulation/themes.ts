import { signs } from '../../src/services/service.js';
import type { Deed } from './act.js';
import { Random } from './random.js';
import { DEEDS, NO_REACH, type Reach } from './reach.js';
import { type Shape, shapeOf } from './shape.js';

/** What a theme adds to the world that every seed has. */
interface Theme {
  readonly weights: Readonly<Partial<Record<Deed, number>>>;
  readonly reach?: Partial<Reach>;
  /** All verifiers are listed and polled, so no key has to be published ahead. */
  readonly listed?: boolean;
  readonly change?: (shape: Shape, random: Random) => Partial<Shape>;
}

const BATCHES = [1, 2, 'canary', 'all'] as const;

function manyServices({ services, policy }: Shape, random: Random): Partial<Shape> {
  return {
    services: services.map((one) => {
      const { health } = one.service;
      // It takes time to see four workers behind one address.
      const most = health !== null && health.deadline < 60_000 ? 2 : 4;
      const workers = one.workers > 1 ? random.pick([2, most]) : 1;
      const distinct = workers > 1 ? { pointer: '/worker', count: workers } : null;
      const rollout = { batch: random.pick(BATCHES) };
      const confirmations = random.pick([1, 1, 3]);
      const service = { ...one.service, rollout, health: health && { ...health, distinct, confirmations } };
      return { ...one, service, workers, instances: random.between(1, 5) };
    }),
    policy: { ...policy, rollout: { batch: random.pick(BATCHES) } },
  };
}

/** The keyset is bound to no host: two hosts run everything. */
function unbound({ publish, services }: Shape, random: Random): Partial<Shape> {
  return {
    secondHost: true,
    deliver: false,
    publish: publish.map((one) => ({ ...one, kind: 'command' as const, heedsRevision: random.chance(0.6) })),
    services: services.filter((one) => !one.elsewhere),
  };
}

/** Signers that read the store, and say which keys they have in memory. */
function showingKeys({ services, faults }: Shape, random: Random): Partial<Shape> {
  return {
    faults: { ...faults, lag: random.pick([0, 0.1, 0.2]) },
    services: services.map((one) => {
      const { health } = one.service;
      if (!signs(one.service) || health?.type !== 'json' || random.chance(0.2)) return one;
      return { ...one, asksStore: true, service: { ...one.service, health: { ...health, preloaded: '/preloaded' } } };
    }),
  };
}

/** Signers that show no kid: their tokens do. Nobody can tell workers apart by them. */
function mintingTokens({ services }: Shape): Partial<Shape> {
  return {
    services: services.map((one) => {
      const { health } = one.service;
      if (one.service.role !== 'signer' || health === null) return one;
      const token = { type: 'token', method: 'POST', body: null, token: '/access_token', distinct: null } as const;
      return { ...one, workers: 1, service: { ...one.service, health: { ...health, ...token } } };
    }),
  };
}

/** Verifiers that report nothing. A canary shows one worker, so nothing is published at once. */
function shownCanaries({ services, policy }: Shape): Partial<Shape> {
  const accepted = { claims: {}, typ: null, accepted: [200, 403], rejected: [401], every: 5_000 };
  return {
    policy: { ...policy, dropsByCanary: true, publishAhead: policy.jwksMaxAge + policy.clockSkew },
    services: services.map((one) => {
      const { health } = one.service;
      if (one.service.role !== 'verifier' || health === null) return one;
      const deadline = Math.max(health.deadline, 60_000);
      const canary = { type: 'canary', method: 'GET', ...accepted, distinct: null, deadline } as const;
      return { ...one, workers: 1, service: { ...one.service, health: { ...health, ...canary } } };
    }),
  };
}

/** What the model checker could not search completely, and what the simulation lacked. Index 0: the first simulation. */
export const THEMES: readonly (readonly [string, Theme])[] = [
  ['general', { weights: DEEDS }],
  [
    'two forced rotations, runs stopped at any point',
    {
      weights: { timer: 20, force: 40, immediate: 4, restart: 6, reboot: 2, sync: 3, suspend: 2, replace: 3 },
      reach: { stalls: 0.3 },
      change: (_, random) => ({ pauses: random.pick([0.3, 0.6]), overlap: random.pick([0.4, 0.8]) }),
    },
  ],
  [
    'retire of a pending or active key, runs stopped at any point',
    {
      weights: { timer: 20, force: 20, retireNew: 30, retire: 5, rollback: 5, immediate: 3, restart: 6, reboot: 2 },
      reach: { stalls: 0.3 },
      change: (_, random) => ({ pauses: random.pick([0.3, 0.6]), overlap: random.pick([0.3, 0.7]) }),
    },
  ],
  [
    'three writers on two hosts',
    {
      weights: { timer: 15, burst: 30, secondRunner: 15, retireNew: 8, rollback: 4, restart: 5, clocks: 4 },
      reach: { stalls: 0.2 },
      change: (shape, random) => ({ ...unbound(shape, random), overlap: random.pick([0.5, 0.9]) }),
    },
  ],
  [
    'several signers, instances, load balancers, waves',
    {
      weights: { ...DEEDS, force: 20, replace: 8, dieForGood: 5, bury: 6, rollback: 5, badKey: 5 },
      reach: { lagAtStart: true },
      change: manyServices,
    },
  ],
  [
    'policies and services that change',
    {
      weights: {
        timer: 35,
        force: 10,
        policy: 8,
        limits: 12,
        changeAlg: 6,
        addService: 5,
        removeService: 3,
        restart: 5,
        retire: 4,
        rollback: 3,
        bury: 3,
        dieForGood: 3,
        importPublic: 2,
      },
      change: (shape, random) => (random.chance(0.4) ? manyServices(shape, random) : {}),
    },
  ],
  [
    'clocks that jump back and ahead',
    {
      weights: { ...DEEDS, clocks: 10, clockBack: 8, clockAhead: 10, suspend: 6, rollback: 3 },
      change: (_, random) => ({ reach: { ...NO_REACH, storeClock: random.chance(0.6) }, skewed: true }),
    },
  ],
  [
    'import of the key in use',
    { weights: { ...DEEDS, importPublic: 4, rollback: 3 }, reach: { imports: true, stalls: 0.2 } },
  ],
  [
    'haste',
    {
      weights: {
        timer: 20,
        immediate: 30,
        force: 5,
        retireNew: 6,
        restart: 15,
        deploy: 4,
        replace: 4,
        rollback: 6,
        sync: 3,
      },
      reach: { lagAtStart: true },
    },
  ],
  [
    'commands that publish, some of them whatever the revision',
    {
      weights: { ...DEEDS, force: 20, burst: 6 },
      reach: { stalls: 0.3 },
      change: (shape, random) => ({
        publish: shape.publish.map((one) => ({ ...one, kind: 'command' as const, heedsRevision: random.chance(0.4) })),
        faults: { ...shape.faults, outlet: 0.15 },
      }),
    },
  ],
  [
    'reloads that are lost, and restarts after them',
    {
      weights: { timer: 25, lostReload: 25, force: 10, restart: 20, replace: 5, rollback: 4, badKey: 4, retireNew: 4 },
      reach: { lagAtStart: true },
      change: (shape, random) => ({ faults: { ...shape.faults, reload: random.pick([0.1, 0.3]) } }),
    },
  ],
  [
    'nothing published ahead',
    {
      weights: { timer: 30, force: 25, restart: 10, retireNew: 5, immediate: 5, rollback: 4, replace: 4 },
      reach: { lagAtStart: true, stalls: 0.1 },
      listed: true,
    },
  ],
  [
    'ways back by hand',
    {
      weights: { timer: 25, force: 25, rollback: 25, badKey: 8, retireNew: 5, restart: 5, reboot: 2, immediate: 4 },
      reach: { stalls: 0.2 },
      change: (_, random) => ({ pauses: random.pick([0, 0.3]), overlap: random.pick([0.1, 0.6]) }),
    },
  ],
  [
    'stores that are restored or lost, and what hosts remember',
    {
      weights: {
        ...DEEDS,
        force: 20,
        retire: 10,
        retireNew: 10,
        restore: 6,
        loseStore: 1,
        answerOld: 6,
        sync: 10,
        recover: 10,
      },
      reach: { restores: true, stalls: 0.1 },
    },
  ],
  [
    'stores that do not answer while keys leak',
    { weights: { ...DEEDS, force: 20, retire: 8, retireNew: 10, outage: 25, sync: 10 }, reach: { stalls: 0.1 } },
  ],
  [
    'signers that show the next key before it signs',
    {
      weights: { ...DEEDS, force: 25, immediate: 8, sealed: 8, restart: 12, replace: 5, retireNew: 6, rollback: 4 },
      reach: { lagAtStart: true, stalls: 0.1 },
      change: showingKeys,
    },
  ],
  [
    'signers that are asked for tokens',
    {
      weights: { ...DEEDS, force: 25, immediate: 8, mislabel: 8, badKey: 4, restart: 12, replace: 5, rollback: 4 },
      reach: { stalls: 0.1 },
      change: mintingTokens,
    },
  ],
  [
    'verifiers that are shown canaries',
    {
      weights: { ...DEEDS, force: 25, immediate: 8, guard: 15, retire: 12, retireNew: 6, restart: 12, importPublic: 3 },
      reach: { stalls: 0.1 },
      change: shownCanaries,
    },
  ],
  [
    'directories with a file for each key',
    {
      weights: { ...DEEDS, force: 25, immediate: 8, deploy: 8, retire: 15, retireNew: 6, restart: 8, restore: 3 },
      reach: { stalls: 0.1 },
      change: ({ publish }) => ({
        publish: publish.map((one) => ({ ...one, kind: one.kind === 'file' ? 'directory' : one.kind })),
      }),
    },
  ],
];

/** A theme's seeds begin at its number times this. */
export const SPAN = 1_000_000;

/** How often each theme comes in turn: most often the one that is searched least elsewhere. */
const CYCLE = THEMES.flatMap((_, theme) => (theme === 0 ? [0, 0, 0] : [theme, theme]));

/** The n-th seed, from 1, of the sweep over all themes. */
export function seedAt(n: number): number {
  const round = Math.floor((n - 1) / CYCLE.length);
  const place = (n - 1) % CYCLE.length;
  const theme = CYCLE[place] ?? 0;
  const perRound = CYCLE.filter((one) => one === theme).length;
  const before = CYCLE.slice(0, place).filter((one) => one === theme).length;
  return theme * SPAN + round * perRound + before + 1;
}

export function themeOf(seed: number): string {
  return (THEMES[Math.floor(seed / SPAN)] ?? THEMES[0])?.[0] ?? '';
}

export function shapeOfSeed(seed: number): Shape {
  const index = Math.floor(seed / SPAN);
  const theme = THEMES[index]?.[1];
  const shape = shapeOf(seed, theme?.listed);
  if (index === 0 || theme === undefined) return shape;
  const themed = { ...shape, weights: theme.weights, reach: { ...NO_REACH, ...theme.reach } };
  return { ...themed, ...theme.change?.(themed, new Random(seed, 5)) };
}
