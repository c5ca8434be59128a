import type { Duration, Instant } from '../basics/clock.js';
import type { Policy } from '../basics/policy.js';
import type { RetireReason } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import type { Holding } from '../published/jwk-set.js';
import type { RetireRequest } from '../questions/incidents.js';
import type { KeyKind } from '../questions/key-kind.js';
import type { Reason } from './reason.js';

/**
 * One step of a run, with the data it needs. `outcome.ts` says what it does to the manifest. `reason` is for people
 * only: nothing depends on it.
 */
export type Action =
  | Does<'take-over', { readonly host: HostName }>
  | Does<'accept-clock'>
  /** `isElsewhere`: the store shows another history than this host knows. */
  | Does<'record-retirement', OfKey & { readonly request: RetireRequest; readonly isElsewhere: boolean } & AlsoTells>
  | Does<'roll-back', OfKey>
  | Does<'generate', NewKeyOptions & { /** Null until the key is made. */ readonly kid: string | null }>
  | Does<'recover', OfKey>
  | Does<'expedite', OfKey & { readonly immediate: boolean }>
  | Does<'note-outlets', AboutKey>
  | Does<'write-outlets', AboutKey>
  | Does<'refresh-services'>
  /** `isRecheck`: the key signs already, and no cache can still hold an older set. */
  | Does<'confirm-verifiers', OfKey & { readonly isRecheck: boolean }>
  | Does<'activate', OfKey>
  /** `settles`: what ends once every signer has confirmed. */
  | Does<'confirm-signers', OfKey & { readonly settles: 'switch' | 'way-back' | 'former-clock' }>
  | Does<'await-deadline', OfKey>
  | Does<'replace-at-deadline', OfKey>
  /** `asksSigners`: the key stays if a signer still signs with it. */
  | Does<'retire', OfKey & { readonly as: RetireReason; readonly asksSigners: boolean }>
  | Does<'confirm-drop', { readonly kids: readonly string[] }>
  | Does<'recheck-drop', OfKey>
  /** `again`: a put of its secret may have been in flight at the first deletion. */
  | Does<'delete-secret', OfKey & { readonly again: boolean }>
  | Does<'destroy', OfKey>
  | Does<'record-policy', OfKey>;

type Does<T extends string, Data = unknown> = { readonly type: T; readonly reason: Reason } & Data;

interface OfKey {
  readonly kid: string;
}

/** The key it is mainly about, for people. */
interface AboutKey {
  readonly kid: string | null;
}

/** Other keys that this host retired earlier; the same commit records them in the store. Absent: none. */
interface AlsoTells {
  readonly untold?: readonly string[];
}

/** A kid that a service reports while the store knows no keyset. */
export interface Reported {
  readonly service: string;
  /** As configured, without a query. */
  readonly url: string;
  readonly kid: string;
}

export interface HostName {
  readonly id: string;
  readonly hostname: string;
}

/** How the next key enters. */
export interface NewKeyOptions {
  readonly kind: KeyKind;
  readonly forced: boolean;
  /** Don't wait for `publishAhead`. */
  readonly immediate: boolean;
  /** It replaces a key that must go, so there is no way back. */
  readonly isReplacement: boolean;
}

export type ActionType = Action['type'];
export type ActionOf<T extends ActionType> = Extract<Action, { readonly type: T }>;

/** The key an action is mainly about; null if none. */
export function kidOf(action: Action): string | null {
  return 'kids' in action ? (action.kids[0] ?? null) : 'kid' in action ? action.kid : null;
}

/** Why the planner refuses to act, and its kind where that is not `refused`. */
export interface Refusal {
  readonly code:
    | 'unknown-keys'
    | 'not-seen'
    | 'other-history'
    | 'other-host'
    | 'clock-behind'
    | 'clock-ahead'
    | 'only-key'
    | 'too-many-keys'
    | 'no-keyset'
    | 'being-retired'
    | 'nothing-to-roll-back';
  readonly kind?: 'services';
  readonly message: string;
  readonly hint: string;
}

/** The request of the operator or the timer. */
export interface Request {
  readonly force: boolean;
  readonly immediate: boolean;
  readonly changeAlg: boolean;
  readonly takeOver: boolean;
  readonly acceptClock: boolean;
  readonly retire: RetireRequest | null;
  /** `retire`: only the incident and what it needs, nothing else that may be due. */
  readonly incidentOnly: boolean;
  /** `rollback`: the kid, as shown to the operator, that is to sign again; only that and what it needs. */
  readonly rollback: string | null;
}

export const NOTHING_ASKED: Request = {
  force: false,
  immediate: false,
  changeAlg: false,
  takeOver: false,
  acceptClock: false,
  retire: null,
  incidentOnly: false,
  rollback: null,
};

/** An operator needs this now: a wrong clock does not delay it, and nothing else that is due happens beside it. */
export function isUrgent({ incidentOnly, rollback }: Request): boolean {
  return incidentOnly || rollback !== null;
}

/**
 * What failed in this run and is not tried again in it. `held`: somebody else blocks an outlet (a lock, a URL that
 * still serves another set); an incident keeps trying until its deadline.
 */
export type Block =
  | 'outlets'
  | 'delivery'
  | 'held'
  | 'clock'
  | 'rollout'
  | 'refresh'
  | 'generate'
  | 'drop'
  | 'recheck-drop'
  | `key ${string}`;

export interface Observations {
  /** The content of this host's outlets. */
  readonly holdings: readonly Holding[];
  /** Kids that polled services report. Polled only while there is no manifest. */
  readonly reported: readonly Reported[];
  /** This host. `bound`: the configuration has file outlets or local reloads. */
  readonly host: HostName & { readonly bound: boolean };
  /** How far this clock is ahead of the store's (negative: behind); null if the store shows no time. */
  readonly clockOffset: Duration | null;
  /** The store shows another history than this host knows, so only `retire` may act. Absent: false. */
  readonly otherHistory?: boolean;
  /** Keys in use that this host retired and the store does not know as retired; nothing else differs. Absent: none. */
  readonly untold?: readonly string[];
  /**
   * Retired keys that no other run can still publish: since their retirement this run has held each outlet's lock and
   * raised its record. Absent: none.
   */
  readonly fenced?: ReadonlySet<string>;
  /** How far this clock was behind the newest event when the run began, or was set back since. Absent: not at all. */
  readonly clockBehind?: Duration;
}

/** Everything a decision depends on. */
export interface PlanInput {
  readonly keyset: string;
  readonly manifest: Manifest | null;
  readonly policy: Policy;
  readonly now: Instant;
  readonly observations: Observations;
  readonly request: Request;
  readonly blocked: ReadonlySet<Block>;
}

export type Decision =
  | { readonly type: 'action'; readonly action: Action }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  | { readonly type: 'nothing' };

/** Input with a manifest. */
export interface Known extends PlanInput {
  readonly manifest: Manifest;
}

export type Found = Action | Refusal | null;

/** One rule of the planner: an action, a refusal, or nothing. */
export type Rule = (known: Known) => Found;
