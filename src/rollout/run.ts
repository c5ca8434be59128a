import { type Duration, type Instant, SECOND } from '../keyset/basics/clock.js';
import { shellWord } from '../keyset/basics/outside-text.js';
import type { Manifest } from '../keyset/manifest/model.js';
import type { Action, Block, PlanInput, Reported, Request } from '../keyset/planning/action.js';
import { decide } from '../keyset/planning/order.js';
import { asManifestKnows } from '../keyset/planning/recorded.js';
import type { Holding } from '../keyset/published/jwk-set.js';
import { behindBy } from '../keyset/questions/clock-trust.js';
import { incidentDeadline } from '../keyset/questions/incidents.js';
import { isIncident } from '../keyset/questions/open-incidents.js';
import type { AddedKey } from './added.js';
import { RunCanaries } from './canaries.js';
import { type Clocked, knownBehind } from './clock-trust.js';
import type { KeysetContext } from './context.js';
import { historySeen, undeletable } from './elsewhere.js';
import { Ledger } from './ledger.js';
import type { Update } from './ledger-options.js';
import { runLimit } from './limit.js';
import { observe, reportedKids } from './observe.js';
import { Patience, patientStore } from './patience.js';
import type { Problem } from './problem.js';
import { provingBy, withProving } from './proving.js';
import { steadyClock } from './steady-clock.js';

/** What an action came to, beyond the manifest. */
export interface Performed {
  /** The key that was made, where the action could not name it. */
  readonly kid?: string;
  readonly text?: string;
}

/** One keyset's run: what it has read, done, and given up on. */
export interface Run extends Clocked {
  readonly context: KeysetContext;
  readonly ledger: Ledger;
  request: Request;
  holdings: readonly Holding[];
  /** Retired keys that no other run can publish any more: this one has held each outlet's lock since they retired. */
  fenced: ReadonlySet<string>;
  reported: readonly Reported[];
  readonly blocked: Set<Block>;
  readonly done: Action[];
  readonly problems: Problem[];
  readonly canaries: RunCanaries;
  /** When `retire` stops waiting for anything; null: this run is no `retire`. */
  readonly closing: Instant | null;
  /** Signer instances reloaded since this run's switch; null: no switch yet, or earlier reloads may be under way. */
  switched: Set<string> | null;
  /** What this run has put into outlets that did not hold it. */
  readonly added: AddedKey[];
}

/**
 * How long `retire` still reloads, polls and commits after its deadline. It must end within 10 s; the rest is for start-up,
 * the last commit and a slow machine.
 */
const CLOSING: Duration = 5.5 * SECOND;

/** @param isDry touches nothing, not even this host's record */
export async function openRun(given: KeysetContext, request: Request, isDry = false): Promise<Run> {
  const { retire } = request;
  const blocked = new Set<Block>();
  // Taken before the manifest is read: a clock that is behind may pass the newest event while a slow store answers.
  const began = { wall: given.clock.now(), monotonic: given.clock.monotonic() };
  const patience = retire === null ? null : patienceOf(given, began.monotonic + retire.deadline);
  const canaries = new RunCanaries(
    () => context,
    () => ledger.manifest,
    () => !isHurried({ request, ledger }),
  );
  const proving = provingBy(() => ledger.manifest, canaries, given);
  const proved = { ...given, services: withProving(given.services, proving) };
  const context: KeysetContext = patience === null ? proved : incidentContext(proved, patience);
  const ledger: Ledger = await Ledger.open(context, {
    limit: runLimit(context, request),
    patience,
    asked: request.retire?.isUnsure === true ? null : (request.retire?.stray ?? null),
    touchesNothing: isDry,
  });
  const run: Run = {
    context,
    ledger,
    request: retire === null ? request : { ...request, retire: asManifestKnows(retire, ledger.manifest) },
    holdings: await observe(context, isHurried({ request, ledger })),
    fenced: new Set(),
    reported: [],
    blocked,
    done: [],
    problems: [],
    canaries,
    behindAtStart: behindBy(ledger.manifest, context.policy, began.wall),
    closing: request.retire === null ? null : began.wall + request.retire.deadline + CLOSING,
    began,
    switched: null,
    added: [],
  };
  // An incident does not ask services whose keys these are.
  if (ledger.manifest === null && request.retire === null) run.reported = await reportedKids(context);
  return run;
}

function incidentContext(given: KeysetContext, patience: Patience): KeysetContext {
  const context = { ...given, clock: steadyClock(given.clock) };
  return { ...context, store: patientStore(context, patience) };
}

function patienceOf({ clock }: KeysetContext, deadline: Duration): Patience {
  return new Patience(clock, deadline, deadline + CLOSING);
}

/** Commits `update`. The last commit of a run gives the lease back as well. */
export function commit(run: Run, update: Update): Promise<void> {
  return run.ledger.commit(update, (manifest) => decide(planInput(run, manifest)).type !== 'action');
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
      fenced: run.fenced,
      reported: run.reported,
      host: { id: host, hostname, bound: context.bound },
      clockOffset: context.store.clockOffset(),
      ...historySeen(run.ledger, manifest),
      ...(behind === null ? {} : { clockBehind: behind }),
    },
    request: run.request,
    blocked: new Set([...run.blocked, ...undeletable(run.ledger, manifest)]),
  };
}

/** An incident was asked for, or is open. */
export function isHurried({ request, ledger }: Pick<Run, 'request' | 'ledger'>): boolean {
  return request.incidentOnly || request.retire !== null || (ledger.manifest !== null && isIncident(ledger.manifest));
}

/** Records a problem and gives up on `what`. The rest of the plan goes on; `kind` decides the exit code. */
export function block(run: Run, what: Block, problem: Pick<Problem, 'message'> & Partial<Problem>): void {
  const { message, hint = null, kind = 'services', code = 'unconfirmed' } = problem;
  run.blocked.add(what);
  // An incident retries, and may fail the same way again: report that once.
  if (run.problems.some((known) => known.block === what && known.message === message)) return;
  run.problems.push({ block: what, message, hint: hint ?? nextStep(run, what), kind, code });
  run.context.report({ type: 'blocked', keyset: run.context.name, text: message });
}

/** The hint where nothing better is known. */
function nextStep(run: Run, what: Block): string {
  const look = what === 'outlets' ? 'mend that' : 'jwtrot status --probe shows what each one reports now';
  const kid = run.request.retire?.kid;
  const again = isHurried(run)
    ? `to go on with this: jwtrot ${kid === undefined ? 'rotate' : `retire --kid ${shellWord(kid)}`}`
    : 'the next run goes on, or now: jwtrot rotate --force';
  return `${look}; ${again}`;
}

/** How long a wait may take, by its own deadline, by the lease, and in an incident by the operator's deadline. */
export function timeFor(run: Run, own: Duration, until: Instant | null = null): Duration {
  const { clock } = run.context;
  const margin = 5_000;
  const bound = until === null ? own : until - clock.now();
  return Math.max(0, Math.min(bound, run.ledger.tenure.remaining() - margin));
}

/**
 * Until when services are waited for. `retire` itself waits at most `grace` past its deadline, and leaves time to
 * close. A later run that takes the incident up goes on with the services that have not answered.
 * @returns null: each service's own deadline applies
 */
export function patience(run: Run, grace: Duration): Instant | null {
  const deadline = incidentDeadline(run.ledger.manifest);
  const now = run.context.clock.now();
  if (deadline === null || (now >= deadline && !run.request.incidentOnly)) return run.closing;
  return Math.max(deadline, Math.min(now + grace, run.closing ?? Number.POSITIVE_INFINITY));
}
