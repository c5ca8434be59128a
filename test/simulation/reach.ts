import type { Deed } from './act.js';

/** `stale`: a JWKS that is read comes from a cache. */
export const FAULT_KINDS = ['store', 'kms', 'service', 'reload', 'outlet', 'stale'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What came to the simulation later; off in the seeds of before. */
export interface Reach {
  /** Of a run being stopped right before one of its requests leaves. */
  readonly stalls: number;
  /** A signer that starts by itself and asks the store may be answered by a replica that lags behind. */
  readonly lagAtStart: boolean;
  /** Services have a key of their own before jwtrot comes. */
  readonly imports: boolean;
  /** The store says what time it is. */
  readonly storeClock: boolean;
}

export const NO_REACH: Reach = { stalls: 0, lagAtStart: false, imports: false, storeClock: false };

/** How often what is done, of all that is done. */
export const DEEDS: Readonly<Partial<Record<Deed, number>>> = {
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
};
