import type { Algorithm } from '../keyset/basics/algorithm.js';
import type { Duration } from '../keyset/basics/clock.js';
import type { PublicJwk } from '../keyset/manifest/key.js';
import type { KeysByKid } from './key-set.js';
import type { Surroundings } from './surroundings.js';
import type { CryptoKey } from './web-crypto.js';

/** A private key in this process. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: Algorithm;
  /** Of the published key that it was proved to belong to. */
  readonly publicJwk: PublicJwk;
  readonly key: CryptoKey;
}

/** A point in time by both clocks: the wall clock may jump, the monotonic one stands still while a machine sleeps. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

/** All that a keyring knows. Never changed: a load replaces it as a whole, so that no caller meets halves of two sets. */
export interface KeysInMemory {
  readonly verifying: KeysByKid;
  /** In `verifying` too: a key that is not published never signs. */
  readonly signing: SigningKey | null;
  /** Every private key that is held, the signing one included. */
  readonly preloaded: ReadonlyMap<string, SigningKey>;
  readonly revision: number | null;
  /** As the source tells it; null: it doesn't. */
  readonly maxTokenTtl: Duration | null;
  /** What the public half and the private half held at this moment was the truth; null: never read. */
  readonly publicAsOf: Moment | null;
  readonly privateAsOf: Moment | null;
  /** When the load was done, for people. */
  readonly loadedAt: number | null;
}

export const NOTHING_YET: KeysInMemory = {
  verifying: new Map(),
  signing: null,
  preloaded: new Map(),
  revision: null,
  maxTokenTtl: null,
  publicAsOf: null,
  privateAsOf: null,
  loadedAt: null,
};

type Clocks = Pick<Surroundings, 'now' | 'monotonic'>;

export function momentOf(clocks: Clocks): Moment {
  return { wall: clocks.now(), monotonic: clocks.monotonic() };
}

export function before({ wall, monotonic }: Moment, age: Duration): Moment {
  return { wall: wall - age, monotonic: monotonic - age };
}

/** How long ago that was, by the clock that says more. */
export function since(moment: Moment, clocks: Clocks): Duration {
  return Math.max(clocks.now() - moment.wall, clocks.monotonic() - moment.monotonic);
}

/** Whether what was true then may be trusted no longer. */
export function isStale(asOf: Moment | null, limit: Duration, clocks: Clocks): boolean {
  return asOf === null || since(asOf, clocks) >= limit;
}
