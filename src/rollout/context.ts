import type { GeneratedKey } from '../keys/generate.js';
import type { Algorithm, ModulusLength } from '../keyset/basics/algorithm.js';
import type { Clock } from '../keyset/basics/clock.js';
import type { Policy } from '../keyset/basics/policy.js';
import type { PublicJwk } from '../keyset/manifest/key.js';
import type { Action } from '../keyset/planning/action.js';
import type { OutletPort } from '../outlets/outlet.js';
import type { Host } from '../outside/host.js';
import type { Records } from '../records/records.js';
import type { ServicePort } from '../services/service.js';
import type { Store } from '../store/store.js';
import type { Wrapper } from '../wrap/wrapper.js';

/** Everything outside that a run touches. It is passed in, so that the simulation can replace it. */
export interface KeysetContext {
  readonly name: string;
  readonly policy: Policy;
  readonly services: readonly ServicePort[];
  readonly outlets: OutletPort;
  readonly store: Store;
  /** What this host remembers of the keyset. */
  readonly records: Records;
  readonly wrapper: Wrapper;
  readonly generateKey: (alg: Algorithm, modulusLength: ModulusLength) => Promise<GeneratedKey>;
  /**
   * The private half (PKCS#8 DER) of a key that the store has lost, from a delivered file of this host; null: no file
   * holds it. The caller overwrites it.
   */
  readonly deliveredKey: (thumbprint: string) => Promise<Uint8Array | null>;
  /** @throws JwtrotError `key-mismatch` */
  readonly assertMatches: (privateKey: Uint8Array, publicJwk: PublicJwk, kid: string) => Promise<void>;
  /**
   * Signs tokens with a private key (PKCS#8 DER), which the caller overwrites once this has ended. `close` lets go of the
   * key.
   */
  readonly openSigner: (
    privateKey: Uint8Array,
    key: { readonly kid: string; readonly alg: Algorithm },
  ) => Promise<{
    /** @param typ of the header; null: none */
    readonly sign: (claims: Readonly<Record<string, unknown>>, typ: string | null) => Promise<string>;
    readonly close: () => void;
  }>;
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
  /** The command of this run, as the lease names it. */
  readonly verb: string;
}

/** An instance, as people see it. */
export interface Named {
  readonly service: string;
  readonly instance: string;
}

/** What a person may want to see while a run goes on. */
export type Progress =
  | { readonly type: 'action'; readonly keyset: string; readonly action: Action }
  | {
      readonly type: 'done';
      readonly keyset: string;
      readonly action: Action;
      readonly detail: string | null;
      /** The incident goes on without its store: what the step commits is in this run's memory alone. */
      readonly isStoreless?: true;
    }
  /** The step under way is about to ask these. */
  | { readonly type: 'asked'; readonly keyset: string; readonly instances: readonly Named[] }
  | {
      readonly type: 'instance';
      readonly keyset: string;
      readonly service: string;
      readonly instance: string;
      /** `waiting`: it is in a later wave. */
      readonly state: 'waiting' | 'reloading' | 'awaited' | 'confirmed' | 'unconfirmed';
      readonly reason: string | null;
    }
  | {
      readonly type: 'wave';
      readonly keyset: string;
      /** The service of all these instances; null: the waves mix services. */
      readonly service: string | null;
      /** From 1. */
      readonly number: number;
      readonly of: number;
      readonly instances: readonly Named[];
    }
  /** The step under way fell short. The run goes on, and says so again at its end. */
  | { readonly type: 'blocked'; readonly keyset: string; readonly text: string }
  | {
      readonly type: 'note';
      readonly keyset: string;
      readonly level: 'info' | 'warning';
      readonly text: string;
    };
