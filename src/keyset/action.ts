import type { Duration, Instant } from './clock.js';
import type { RetireRequest } from './incident.js';
import type { Manifest } from './model.js';
import type { Policy } from './policy.js';
import type { Holding } from './projection.js';

/** What a run can do, one at a time. */
export type ActionType =
  | 'take-over'
  | 'accept-clock'
  | 'record-retirement'
  | 'roll-back'
  | 'generate'
  | 'recover'
  | 'expedite'
  | 'note-outlets'
  | 'write-outlets'
  | 'refresh-services'
  | 'confirm-verifiers'
  | 'activate'
  | 'confirm-signers'
  | 'await-deadline'
  | 'replace-at-deadline'
  | 'retire'
  | 'confirm-drop'
  | 'look-again'
  | 'delete-secret'
  | 'destroy'
  | 'record-policy';

/** Why. Closed: every action carries one. */
export type Reason =
  | 'asked'
  | 'first-key'
  | 'no-active-key'
  | 'age'
  | 'forced'
  | 'algorithm-changed'
  | 'superseded'
  | 'compromised'
  | 'expired'
  | 'failed'
  | 'interrupted'
  | 'outlets-differ'
  | 'new-key'
  | 'key-dropped'
  | 'switched'
  | 'rolled-back'
  | 'published-long-enough'
  | 'deadline-passed'
  | 'retired'
  | 'put-in-flight'
  | 'window-over'
  | 'caches-over'
  | 'policy-longer';

export interface Action {
  readonly type: ActionType;
  readonly kid: string | null;
  readonly reason: Reason;
}

export function act(type: ActionType, kid: string | null, reason: Reason): Action {
  return { type, kid, reason };
}

/** Why nothing may be done. */
export interface Refusal {
  readonly code:
    | 'unknown-keys'
    | 'other-host'
    | 'clock-behind'
    | 'clock-ahead'
    | 'only-key'
    | 'too-many-keys'
    | 'no-keyset'
    | 'being-retired'
    | 'nothing-to-roll-back';
  readonly message: string;
  readonly hint: string;
}

/** What the operator or the timer asked for. */
export interface Request {
  readonly force: boolean;
  readonly immediate: boolean;
  readonly changeAlg: boolean;
  readonly takeOver: boolean;
  readonly acceptClock: boolean;
  readonly retire: RetireRequest | null;
  /** `retire`: the incident and what hangs on it, nothing else that may be due. */
  readonly incidentOnly: boolean;
  /** `rollback`: the kid that is to sign again, as the operator was told; and what hangs on that, nothing else. */
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

/** An operator needs this now: no wrong clock holds it up, and nothing else that may be due is done beside it. */
export function isUrgent({ incidentOnly, rollback }: Request): boolean {
  return incidentOnly || rollback !== null;
}

/** What this run has tried in vain; not tried again in it. */
export type Block = 'outlets' | 'clock' | 'rollout' | 'refresh' | 'generate' | 'drop' | 'look-again' | `key ${string}`;

export interface Observations {
  /** What outlets on this host hold. */
  readonly holdings: readonly Holding[];
  /** Kids that polled services report; asked for only while there is no manifest. */
  readonly reported: readonly { readonly service: string; readonly kid: string }[];
  /** This host; `bound` when the configuration has file outlets or local reloads. */
  readonly host: { readonly id: string; readonly hostname: string; readonly bound: boolean };
  /** By how much this clock is ahead of the store's own (behind: negative); null where the store does not tell. */
  readonly clockOffset: Duration | null;
  /** By how much this clock was behind the newest event when the run began, or was set back since. Absent: it was not. */
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

/** With the manifest that is known to be there. */
export interface Known extends PlanInput {
  readonly manifest: Manifest;
}

export type Found = Action | Refusal | null;

/** One rule of the planner: what it finds to do, or forbids. */
export type Rule = (known: Known) => Found;

/** An instant at which something falls due, for `status`. */
export interface Upcoming {
  readonly action: 'stage' | 'activate' | 'retire' | 'destroy' | 'confirm' | 'retry' | 'rotate';
  readonly at: Instant | null;
  readonly kid: string | null;
  readonly reason: string;
}
