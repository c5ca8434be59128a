import type { Action } from '../keyset/action.js';
import type { Algorithm, ModulusLength } from '../keyset/algorithm.js';
import type { Clock } from '../keyset/clock.js';
import type { PublicJwk } from '../keyset/model.js';
import type { Policy } from '../keyset/policy.js';
import type { OutletPort } from '../outlets/outlet.js';
import type { Host } from '../outside/host.js';
import type { ServicePort } from '../services/service.js';
import type { Store } from '../store/store.js';
import type { Wrapper } from '../wrap/wrapper.js';

/** A key pair that was just made. */
export interface GeneratedKey {
  readonly publicJwk: PublicJwk;
  readonly thumbprint: string;
  /** PKCS#8 DER; overwritten by whoever asked for it. */
  readonly privateKey: Uint8Array;
}

/** Everything that carrying out a plan touches: handed in, so that the simulation can own it. */
export interface KeysetContext {
  readonly name: string;
  readonly policy: Policy;
  readonly services: readonly ServicePort[];
  readonly outlets: OutletPort;
  readonly store: Store;
  readonly wrapper: Wrapper;
  readonly generateKey: (alg: Algorithm, modulusLength: ModulusLength) => Promise<GeneratedKey>;
  /** @throws JwtrotError `key-mismatch` */
  readonly assertMatches: (privateKey: Uint8Array, publicJwk: PublicJwk, kid: string) => Promise<void>;
  readonly clock: Clock;
  /** 0 <= x < 1, for jitter. */
  readonly random: () => number;
  /** A random id of 128 bits or more, for commits and leases. */
  readonly newId: () => string;
  readonly host: Host;
  /** The configuration has file outlets or local reloads: the keyset belongs to one host. */
  readonly bound: boolean;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  readonly report: (event: Progress) => void;
  /** What this run is for; stands in the lease. */
  readonly verb: string;
}

/** What a person may want to see while a run goes on. */
export type Progress =
  | { readonly type: 'action'; readonly keyset: string; readonly action: Action }
  | { readonly type: 'done'; readonly keyset: string; readonly action: Action; readonly detail: string | null }
  | {
      readonly type: 'instance';
      readonly keyset: string;
      readonly service: string;
      readonly instance: string;
      /** `waiting`: a later wave's. */
      readonly state: 'waiting' | 'reloading' | 'awaited' | 'confirmed' | 'unconfirmed';
      readonly reason: string | null;
    }
  | {
      readonly type: 'wave';
      readonly keyset: string;
      /** Whose instances these are; null where waves are of several services. */
      readonly service: string | null;
      /** From 1. */
      readonly number: number;
      readonly of: number;
      readonly instances: readonly { readonly service: string; readonly instance: string }[];
    }
  | {
      readonly type: 'note';
      readonly keyset: string;
      readonly level: 'info' | 'warning';
      readonly text: string;
    };
