import type { Algorithm } from './algorithm.js';
import type { Duration, Instant } from './clock.js';
import type { KeyState } from './states.js';

/** The public members of a JWK (RFC 7517, RFC 7518 section 6, RFC 8037): never a private one. */
export type PublicJwk =
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }
  | { readonly kty: 'EC'; readonly crv: string; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: string; readonly x: string };

/** Why a key was retired. */
export type RetireReason = 'expired' | 'compromised' | 'superseded' | 'failed';

/** One key of a keyset. Times are set by the commit that makes them true. */
export interface Key {
  /** The `kid` of JOSE headers and of the JWKS. Equals `thumbprint` unless the key was imported under another. */
  readonly kid: string;
  /** RFC 7638 SHA-256 thumbprint, base64url. Names the secret. */
  readonly thumbprint: string;
  /** Serial number in the keyset, from 1. */
  readonly version: number;
  readonly alg: Algorithm;
  readonly state: KeyState;
  /** Null in a tombstone (`destroyed`). */
  readonly publicJwk: PublicJwk | null;
  /** False for a key that was imported by its public half: it can verify, never sign. */
  readonly hasPrivate: boolean;
  readonly createdAt: Instant;
  /** When the JWKS with this key was read back from every outlet; null before, and after it had gone missing. */
  readonly publishedAt: Instant | null;
  /** When every polled verifier had last confirmed that it accepts this key. */
  readonly confirmedAt: Instant | null;
  /** When it became the active key, the newest time. */
  readonly activatedAt: Instant | null;
  /** When it first became active: from then on tokens signed with it may exist. */
  readonly signedFrom: Instant | null;
  readonly deprecatedAt: Instant | null;
  /** From when no signer uses it any more: the last one has confirmed, and no reload can bring it back. */
  readonly signedUntil: Instant | null;
  /** The longest `maxTokenTtl` and `verifyFor` in force while it signed. */
  readonly maxTokenTtl: Duration;
  readonly verifyFor: Duration;
  readonly retiredAt: Instant | null;
  readonly reason: RetireReason | null;
  /** When every polled verifier was seen without it, after its retirement. */
  readonly droppedAt: Instant | null;
  /** When the store will have forgotten its private key; null until the deletion is ordered. */
  readonly goneAt: Instant | null;
  /** A put of its secret may still be in flight until then: delete once more after it. */
  readonly deleteAgainAt: Instant | null;
  readonly destroyedAt: Instant | null;
}

/** `store`: the secret is being written. `publish`: outlets are. `verify`: verifiers are awaited. `ahead`: `publishAhead`
 * runs. `switch`: the new key is active and signers are awaited. */
export type RolloutPhase = 'store' | 'publish' | 'verify' | 'ahead' | 'switch';

/** The steps that take a key from generated to confirmed, or back. */
export interface Rollout {
  /** The key that is rolled out. */
  readonly kid: string;
  /** The key that signed before; null when there is nothing to go back to. */
  readonly former: string | null;
  /** `back` is final. */
  readonly direction: 'forward' | 'back';
  readonly phase: RolloutPhase;
  readonly startedAt: Instant;
  /** `rotate --force`: activation does not wait for the active key's age. */
  readonly forced: boolean;
  /** `rotate --immediate` or an incident: activation does not wait for `publishAhead`. */
  readonly immediate: boolean;
  /**
   * Every polled signer answered just before the switch, and no run has seen yet how they took the new key. One that was
   * killed then knew more than the next can find out: who does not answer now was broken by the key.
   */
  readonly signersAnswered: boolean;
}

/** Settled keyset, but an outlet had to be written again and its services have not all confirmed since. */
export interface Refresh {
  /** The JWKS was written again: verifiers are owed a reload. */
  readonly publish: boolean;
  /** The signing key was delivered again: signers are owed a reload. */
  readonly deliver: boolean;
  readonly since: Instant;
}

/** A `retire` request: recorded in the commit that takes the lease, removed when nothing is left to look at. */
export interface Retirement {
  readonly kid: string;
  readonly reason: RetireReason;
  readonly requestedAt: Instant;
  /** `requestedAt` + `--deadline`: from then on nothing waits. */
  readonly deadlineAt: Instant;
  readonly noReplacement: boolean;
  /** Delete the secret at once, without the recovery window. */
  readonly purge: boolean;
  /** When verifiers are looked at once more; null until they all dropped it or the deadline passed. */
  readonly checkAgainAt: Instant | null;
}

/** Which process holds a lease (proc(5)): host, boot and pid namespace equal and the process gone means dead. */
export interface Owner {
  /** Derived from machine-id(5); names a host without revealing the id. */
  readonly host: string;
  readonly hostname: string;
  readonly bootId: string;
  readonly pidNamespace: string;
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, clock ticks since boot. */
  readonly startTime: string;
}

export interface Lease {
  /** A random id: one per run. */
  readonly id: string;
  readonly owner: Owner;
  /** What the run is for; for people. */
  readonly verb: string;
  readonly since: Instant;
  readonly until: Instant;
}

export interface Backoff {
  readonly failures: number;
  readonly until: Instant;
  /** Who did not confirm; for people. */
  readonly because: string;
}

export interface KeysetEvent {
  readonly at: Instant;
  readonly type: string;
  readonly kid: string | null;
  readonly detail: string | null;
}

/** The keyset's public record. Whoever may write it may mint tokens: it is the trust root. */
export interface Manifest {
  readonly schema: 1;
  readonly name: string;
  /** 1, 2, 3 …, one more with every commit. */
  readonly revision: number;
  /** The newest 64 commits: a writer has won exactly if its id is here. */
  readonly commits: readonly { readonly id: string; readonly at: Instant }[];
  /** The host that file outlets and local reloads are bound to; null when there are none. */
  readonly host: { readonly id: string; readonly hostname: string } | null;
  readonly keys: readonly Key[];
  readonly rollout: Rollout | null;
  /** No signer reload ordered so far can take effect after this: its time limit is over. Null before the first. */
  readonly reloadsUntil: Instant | null;
  /** Signers confirmed the active key while an earlier reload was under way: they are looked at once more after it. */
  readonly signersOwed: boolean;
  readonly refresh: Refresh | null;
  readonly retirements: readonly Retirement[];
  readonly lease: Lease | null;
  readonly backoff: Backoff | null;
  /** The newest 50, oldest first. */
  readonly events: readonly KeysetEvent[];
}

/** Names of keysets (DESIGN.md, section 2). */
export const KEYSET_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
/** The shape of an RFC 7638 SHA-256 thumbprint. */
export const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;
/** The longest text for people in a manifest, in UTF-16 code units. */
export const LONGEST_TEXT = 400;
