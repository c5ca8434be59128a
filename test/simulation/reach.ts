import type { Deed } from './act.js';

/** Possibilities that only some themes have. */
export interface Reach {
  /** The chance that a run is stopped right before one of its requests leaves. */
  readonly stalls: number;
  /** A signer that starts by itself and asks the store may be answered by a replica that lags behind. */
  readonly lagAtStart: boolean;
  /** Services have a key of their own before jwtrot comes. */
  readonly imports: boolean;
  /** The store says what time it is. */
  readonly storeClock: boolean;
  /** Every state of the store is kept, so that it can be set back. */
  readonly restores: boolean;
}

export const NO_REACH: Reach = { stalls: 0, lagAtStart: false, imports: false, storeClock: false, restores: false };

/** How often each deed is done, by weight. */
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
  rollback: 2,
  retireNew: 2,
  burst: 2,
  lostReload: 2,
  limits: 1,
  changeAlg: 1,
  importPublic: 1,
  dieForGood: 1,
  bury: 1,
  addService: 1,
  removeService: 0.5,
};
