import type { Instant } from '../basics/clock.js';
import type { Key, RetireReason } from './key.js';

/** The highest revision. A revision's file name has ten digits, so a keyset that reached it could never commit. */
export const LAST_REVISION = 9_000_000_000;

/**
 * True if no real keyset can have this revision: at one commit per millisecond it would take seven weeks. The upper
 * half stays free for a recovery, which starts above the highest revision that it saw.
 */
export function isBeyondReach(revision: number): boolean {
  return revision >= LAST_REVISION / 2;
}

/** The steps that bring a new key from generation to confirmation, or back. */
export type Rollout = Staging | Switching | GoingBack;

interface AnyRollout {
  /** The key being rolled out. */
  readonly kid: string;
  /** The key that signed before; null if there is none to go back to. */
  readonly former: string | null;
  readonly startedAt: Instant;
  /** `rotate --force`: activation does not wait for the active key's age. */
  readonly forced: boolean;
  /** `rotate --immediate` or an incident: activation does not wait for `publishAhead`. */
  readonly immediate: boolean;
}

/**
 * What is under way. `store`: the secret is written. `publish`: outlets are written. `verify`: verifiers confirm.
 * `ahead`: `publishAhead` runs.
 */
export interface Staging extends AnyRollout {
  readonly direction: 'forward';
  readonly phase: 'store' | 'publish' | 'verify' | 'ahead';
  readonly signersAnswered: false;
}

/** The new key is active and signers have yet to confirm it. */
export interface Switching extends AnyRollout {
  readonly direction: 'forward';
  readonly phase: 'switch';
  /**
   * Every polled signer answered just before the switch, and no run has yet seen how they took the new key. A run that
   * was killed here knew that they were healthy; the next run can't find that out. So it blames the new key for a
   * signer that does not answer now.
   */
  readonly signersAnswered: boolean;
}

/** The former key is active again and signers have yet to confirm it. Final. */
export interface GoingBack extends AnyRollout {
  readonly direction: 'back';
  readonly phase: 'switch';
  readonly former: string;
  readonly signersAnswered: false;
}

/** No rollout is under way, but an outlet was rewritten and its services have not all confirmed since. */
export interface Refresh {
  /** The JWKS was rewritten: verifiers must reload. */
  readonly publish: boolean;
  /** The signing key was delivered again: signers must reload. */
  readonly deliver: boolean;
  /** A cache may hold another set: check verifiers again once no copy of it can be left. */
  readonly served: boolean;
  readonly since: Instant;
}

/** A `retire` request. The commit that takes the lease records it; it goes when nothing is left to check. */
export interface Retirement {
  readonly kid: string;
  readonly reason: RetireReason;
  readonly requestedAt: Instant;
  /** `requestedAt` + `--deadline`. Nothing waits after that. */
  readonly deadlineAt: Instant;
  readonly noReplacement: boolean;
  /** Delete the secret at once, without the recovery window. */
  readonly purge: boolean;
  /** When to check verifiers again; null until all of them dropped the key or the deadline passed. */
  readonly checkAgainAt: Instant | null;
}

/** The process that holds a lease (proc(5)). It is dead if host, boot and pid namespace match and it no longer runs. */
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
  /** The verb, for people. */
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

/** The keyset's public record and its trust root: write access to it is enough to mint tokens. */
export interface Manifest {
  readonly schema: 1;
  readonly name: string;
  /** Names this manifest's history; set by its first commit. Null: jwtrot 0.1.0 wrote it. */
  readonly lineage: string | null;
  /** The histories that `store recover` built this one from, newest last. */
  readonly formerLineages: readonly string[];
  /** 1, 2, 3 …, one more with every commit. */
  readonly revision: number;
  /** The newest 64 commits. A writer has won if and only if its id is here. */
  readonly commits: readonly { readonly id: string; readonly at: Instant }[];
  /** The host that owns the file outlets and local reloads; null if there are none. */
  readonly host: { readonly id: string; readonly hostname: string } | null;
  readonly keys: readonly Key[];
  readonly rollout: Rollout | null;
  /** When no signer reload ordered so far can take effect: its time limit is over. Null before the first. */
  readonly reloadsUntil: Instant | null;
  /** Signers confirmed the active key while an earlier reload was under way. Check them again after it. */
  readonly signersOwed: boolean;
  readonly refresh: Refresh | null;
  /** When to check verifiers again: by then no copy of a set that others put into an outlet can be left. */
  readonly verifiersOwedAt: Instant | null;
  readonly retirements: readonly Retirement[];
  readonly lease: Lease | null;
  readonly backoff: Backoff | null;
  /** The newest 50 events, oldest first. */
  readonly events: readonly KeysetEvent[];
}

/** Names of keysets (docs/design.md, section 2). */
export const KEYSET_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
/** The shape of an RFC 7638 SHA-256 thumbprint. */
export const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;
/** The longest text for people, in UTF-16 code units. */
export const LONGEST_TEXT = 400;
