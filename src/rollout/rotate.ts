import type { Instant } from '../keyset/basics/clock.js';
import { EXIT, type ExitCode, JwtrotError, worstExit } from '../keyset/basics/error.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { isRetired } from '../keyset/manifest/states.js';
import type { Action, ActionOf, ActionType, Request } from '../keyset/planning/action.js';
import { type Plan, plan } from '../keyset/planning/plan.js';
import { isHeldByHand } from '../keyset/planning/rollback.js';
import { isBackingOff } from '../keyset/questions/backoff.js';
import { activeKey } from '../keyset/questions/keys.js';
import { carryOut } from './carry-out.js';
import type { KeysetContext } from './context.js';
import { withForce } from './held-hints.js';
import { historyProblems } from './history-problems.js';
import { assertTakeable } from './lease.js';
import type { Problem } from './problem.js';
import { openRun, planInput, type Run } from './run.js';
import { tryOutlets } from './try-outlets.js';
import { unshownDrops } from './unshown.js';

export type Outcome =
  | 'nothing-due'
  | 'staged'
  | 'rotated'
  | 'retired'
  | 'rolled-back'
  | 'waiting'
  | 'backing-off'
  | 'failed';

/** The result of one keyset's run. */
export interface KeysetResult {
  readonly name: string;
  readonly actions: readonly Action[];
  readonly active: string | null;
  readonly outcome: Outcome;
  readonly exit: ExitCode;
  readonly problems: readonly Problem[];
  /** What stopped the run; null: it reached its end. */
  readonly error: Error | null;
  readonly manifest: Manifest | null;
  /** The store shows another history than this host knows: nothing that its manifest plans will happen. */
  readonly isOtherHistory: boolean;
}

/** Does what is due for one keyset. Never throws: the result holds the error that stopped it. */
export async function rotateKeyset(context: KeysetContext, request: Request): Promise<KeysetResult> {
  let run: Run | null = null;
  try {
    run = await openRun(context, request);
    guardCommits(context, run.ledger.manifest, request);
    const backingOff = run.ledger.manifest !== null && isBackingOff(run.ledger.manifest, context.clock.now());
    await carryOut(run);
    await run.ledger.release();
    return result(run, request, backingOff && isHeldOff(request, run.ledger.manifest), null);
  } catch (error) {
    await run?.ledger.release().catch(() => undefined);
    return failure(context, run, error instanceof Error ? error : new Error(String(error)));
  }
}

/** A plan, and what would keep a run from carrying it out. */
export interface Rehearsed extends Plan {
  /** The run would end as `backing-off`. */
  readonly isHeldOff: boolean;
  readonly manifest: Manifest | null;
  readonly problems: readonly Problem[];
}

/** The plan that a run would carry out now, and whether outlets could be written. Touches nothing. */
export async function planKeyset(context: KeysetContext, request: Request): Promise<Rehearsed> {
  const run = await openRun(context, request, true);
  const lease = run.ledger.manifest?.lease ?? null;
  const planned = plan(planInput(run));
  if (lease !== null && planned.actions.length > 0 && request.retire === null) assertTakeable(lease, context);
  const { manifest } = run.ledger;
  const isHeldOff = wouldBeHeldOff(manifest, planned, request, context.clock.now());
  const problems = withForce(await tryOutlets(run, planned.actions), manifest, context.clock.now());
  return { ...planned, manifest, isHeldOff, problems };
}

/** Whether a back-off keeps a run from what it would otherwise do. */
export function wouldBeHeldOff(manifest: Manifest | null, planned: Plan, request: Request, now: Instant): boolean {
  const { actions, refusal, outcome } = planned;
  if (manifest === null || refusal !== null || !isBackingOff(manifest, now) || !isHeldOff(request, outcome))
    return false;
  return !actions.some(({ type }) => type === 'generate' || type === 'confirm-signers');
}

/** @param last the manifest at the run's end: accepting a clock ends a back-off that another clock counted */
function isHeldOff({ force }: Request, last: Manifest | null): boolean {
  return !force && last !== null && last.backoff !== null && !isHeldByHand(last);
}

const DAY = 86_400_000;

/** Leaves room for an incident: a secret may have about 100 versions, and none younger than a day is ever removed. */
function guardCommits(context: KeysetContext, manifest: Manifest | null, request: Request): void {
  const most = context.store.commitsPerDay;
  if (most === null || manifest === null || request.retire !== null || manifest.retirements.length > 0) return;
  const since = context.clock.now() - DAY;
  const recent = manifest.commits.filter((commit) => commit.at > since).length;
  if (recent < most || manifest.rollout !== null) return;
  throw new JwtrotError(
    'store',
    'too-many-commits',
    `keyset ${manifest.name} was written ${recent} times in 24 h, and ${context.store.description} keeps every version for a day; nothing was changed`,
    { hint: 'rotate less often; only jwtrot retire may write now' },
  );
}

function result(run: Run, request: Request, backingOff: boolean, error: Error | null): KeysetResult {
  const manifest = run.ledger.manifest;
  const outcome = outcomeOf(run, request, backingOff);
  const problems = withForce([...run.problems, ...historyProblems(run)], manifest, run.context.clock.now());
  const exits = exitsOf(run, problems);
  if (outcome === 'backing-off' || outcome === 'waiting') exits.push(EXIT.services);
  return {
    name: run.context.name,
    actions: run.done,
    active: manifest === null ? null : (activeKey(manifest)?.kid ?? null),
    outcome,
    exit: worstExit(exits),
    problems: [...problems, ...unshownDrops(run)],
    error,
    manifest,
    isOtherHistory: run.ledger.history.other !== null,
  };
}

/** An incident that went on without its store exits 4, whatever else failed in the store: outlets have lost the key. */
function exitsOf({ ledger }: Run, problems: readonly Problem[]): ExitCode[] {
  return problems.map(({ kind }) => (ledger.history.isStoreless ? EXIT.services : EXIT[kind]));
}

function outcomeOf(run: Run, request: Request, backingOff: boolean): Outcome {
  const did = (type: ActionType) => run.done.some((action) => action.type === type);
  const settled = (what: ActionOf<'confirm-signers'>['settles']) =>
    run.done.some((action) => action.type === 'confirm-signers' && action.settles === what);
  const accepted = () => run.done.some((action) => action.type === 'confirm-verifiers' && !action.isRecheck);
  if (request.retire !== null)
    return run.problems.length === 0 || isOut(run, request.retire.kid) ? 'retired' : 'waiting';
  if (request.rollback !== null && run.done.length + run.blocked.size > 0) return 'rolled-back';
  if (settled('way-back') || run.problems.some((one) => one.code === 'rolled-back')) return 'rolled-back';
  if (settled('switch')) return 'rotated';
  if (isWaiting(run)) return 'waiting';
  if (backingOff && !did('generate')) return 'backing-off';
  if (did('generate') || accepted()) return 'staged';
  return did('retire') || did('recheck-drop') || did('confirm-drop') ? 'retired' : 'nothing-due';
}

/** The run waits for services, outlets or a clock. A secret that the store is still deleting does not count. */
function isWaiting({ blocked, problems }: Run): boolean {
  return [...blocked].some((what) => !what.startsWith('key ') || problems.some((problem) => problem.block === what));
}

function isOut(run: Run, kid: string): boolean {
  const key = run.ledger.manifest?.keys.find((one) => one.kid === kid);
  return key !== undefined && isRetired(key) && !run.blocked.has('outlets');
}

function failure(context: KeysetContext, run: Run | null, error: Error): KeysetResult {
  const exit = error instanceof JwtrotError ? error.exit : context.signal.aborted ? EXIT.interrupted : EXIT.unforeseen;
  const manifest = run?.ledger.manifest ?? null;
  const problems = run === null ? [] : [...run.problems, ...historyProblems(run)];
  return {
    name: context.name,
    actions: run?.done ?? [],
    active: manifest === null ? null : (activeKey(manifest)?.kid ?? null),
    outcome: 'failed',
    exit: worstExit([exit, ...(run === null ? [] : exitsOf(run, problems))]),
    problems: [...problems, ...(run === null ? [] : unshownDrops(run))],
    error,
    manifest,
    isOtherHistory: run !== null && run.ledger.history.other !== null,
  };
}
