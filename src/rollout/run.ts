import type { Action, Block, PlanInput, Request } from '../keyset/action.js';
import type { Duration, Instant } from '../keyset/clock.js';
import { behindBy } from '../keyset/clock-trust.js';
import type { JwtrotError } from '../keyset/error.js';
import { incidentDeadline } from '../keyset/incident.js';
import type { Manifest } from '../keyset/model.js';
import { decide } from '../keyset/planner.js';
import type { Holding } from '../keyset/projection.js';
import type { NewKey } from '../keyset/transitions.js';
import type { WrappedKey } from '../keyset/wrapped-key.js';
import { knownBehind } from './clock-trust.js';
import type { KeysetContext } from './context.js';
import { Ledger } from './ledger.js';
import { runLimit } from './limit.js';
import { observe, reportedKids } from './observe.js';

/** Something that did not go as it should, and what to do about it. */
export interface Problem {
  readonly block: Block | null;
  readonly message: string;
  readonly hint: string | null;
  readonly kind: JwtrotError['kind'];
  readonly code: string;
}

/** What an action came to, beyond the manifest. */
export interface Performed {
  /** The key that was made, where the action could not name it. */
  readonly kid?: string;
  readonly text?: string;
}

/** A key that the manifest names and whose secret is not stored yet: as it was wrapped, once. */
export interface Unstored {
  readonly key: NewKey;
  readonly wrapped: WrappedKey;
}

/** One keyset's run: what it has read, done, and given up on. */
export interface Run {
  readonly context: KeysetContext;
  readonly ledger: Ledger;
  request: Request;
  holdings: readonly Holding[];
  reported: readonly { readonly service: string; readonly kid: string }[];
  readonly blocked: Set<Block>;
  readonly done: Action[];
  readonly problems: Problem[];
  unstored: Unstored | null;
  /** By how much this clock was behind the newest event when the run began; null: it was not, as far as is known. */
  behindAtStart: Duration | null;
  /** What the clocks said then: by the monotonic one it is told whether the other was set back since. */
  readonly began: { readonly wall: Instant; readonly monotonic: Duration };
  /** Signers' instances whose reload was ordered since this run's switch; null where others may be under way. */
  switched: Set<string> | null;
  /** Polled signers were looked at before this run's first reload. */
  looked: boolean;
  /** Commands that publish were run once more, since a verifier read something else. */
  publishedAgain: boolean;
}

export async function openRun(context: KeysetContext, request: Request): Promise<Run> {
  const blocked = new Set<Block>();
  const late: { run: Run | null } = { run: null };
  // Before the manifest is read: by the time that a store takes to answer, a clock that is behind may pass the newest event.
  const began = { wall: context.clock.now(), monotonic: context.clock.monotonic() };
  const ledger = await Ledger.open(context, {
    limit: runLimit(context, request),
    seize: request.retire !== null,
    isLast: (manifest) => late.run !== null && decide(planInput(late.run, manifest)).type !== 'action',
  });
  const run: Run = {
    context,
    ledger,
    request,
    holdings: await observe(context),
    reported: [],
    blocked,
    done: [],
    problems: [],
    unstored: null,
    behindAtStart: behindBy(ledger.manifest, context.policy, began.wall),
    began,
    switched: null,
    looked: false,
    publishedAgain: false,
  };
  late.run = run;
  if (ledger.manifest === null) run.reported = await reportedKids(context);
  return run;
}

/** What the planner decides from, as of now. */
export function planInput(run: Run, manifest: Manifest | null = run.ledger.manifest): PlanInput {
  const { context } = run;
  const { host, hostname } = context.host.self;
  const behind = knownBehind(run);
  return {
    keyset: context.name,
    manifest,
    policy: context.policy,
    now: context.clock.now(),
    observations: {
      holdings: run.holdings,
      reported: run.reported,
      host: { id: host, hostname, bound: context.bound },
      clockOffset: context.store.clockOffset(),
      ...(behind === null ? {} : { clockBehind: behind }),
    },
    request: run.request,
    blocked: run.blocked,
  };
}

/** Services did not do what was waited for: the rest of the plan goes on without it, and the run exits 4. */
export function block(
  run: Run,
  what: Block,
  message: string,
  hint: string | null = null,
  kind: Problem['kind'] = 'services',
): void {
  run.blocked.add(what);
  // Tried again in an incident, it fails again: said once.
  if (run.problems.some((problem) => problem.block === what && problem.message === message)) return;
  run.problems.push({ block: what, message, hint, kind, code: 'unconfirmed' });
}

/** What is waited for may take that long: its own deadline, the lease, and in an incident the operator's. */
export function timeFor(run: Run, own: Duration, until: Instant | null = null): Duration {
  const { clock } = run.context;
  const margin = 5_000;
  const bound = until === null ? own : until - clock.now();
  return Math.max(0, Math.min(bound, run.ledger.remaining() - margin));
}

/**
 * Until when services are waited for: `retire` itself ends soon after its deadline, `grace` later at the most. A run that
 * takes an incident up after that goes on with those who have not answered, and gives them their own time: null.
 */
export function patience(run: Run, grace: Duration): Instant | null {
  const deadline = incidentDeadline(run.ledger.manifest);
  const now = run.context.clock.now();
  if (deadline === null || (now >= deadline && !run.request.incidentOnly)) return null;
  return Math.max(deadline, now + grace);
}
