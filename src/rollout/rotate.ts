import type { Action, Request } from '../keyset/action.js';
import { isBackingOff } from '../keyset/due.js';
import { EXIT, type ExitCode, JwtrotError } from '../keyset/error.js';
import type { Manifest } from '../keyset/model.js';
import { type Plan, plan } from '../keyset/plan.js';
import { activeKey } from '../keyset/projection.js';
import { carryOut } from './carry-out.js';
import type { KeysetContext } from './context.js';
import { assertTakeable } from './lease.js';
import { openRun, type Problem, planInput, type Run } from './run.js';

export type Outcome =
  | 'nothing-due'
  | 'staged'
  | 'rotated'
  | 'retired'
  | 'rolled-back'
  | 'waiting'
  | 'backing-off'
  | 'failed';

/** What a run of one keyset came to. */
export interface KeysetResult {
  readonly name: string;
  readonly actions: readonly Action[];
  readonly active: string | null;
  readonly outcome: Outcome;
  readonly exit: ExitCode;
  readonly problems: readonly Problem[];
  /** What stopped the run; null when it came to its end. */
  readonly error: Error | null;
  readonly manifest: Manifest | null;
}

/** Of several exit codes the first that applies of these. */
const PRECEDENCE: readonly ExitCode[] = [
  EXIT.terminated,
  EXIT.interrupted,
  EXIT.unforeseen,
  EXIT.usage,
  EXIT.refused,
  EXIT.store,
  EXIT.services,
  EXIT.leased,
  EXIT.done,
];

export function worstExit(exits: readonly ExitCode[]): ExitCode {
  return PRECEDENCE.find((exit) => exits.includes(exit)) ?? EXIT.done;
}

/** Does what is due for one keyset. Never throws: what stopped it stands in the result. */
export async function rotateKeyset(context: KeysetContext, request: Request): Promise<KeysetResult> {
  let run: Run | null = null;
  try {
    run = await openRun(context, request);
    guardCommits(context, run.ledger.manifest, request);
    const backingOff = run.ledger.manifest !== null && isBackingOff(run.ledger.manifest, context.clock.now());
    await carryOut(run);
    await run.ledger.release();
    // An accepted clock ends a back-off that was counted by another one.
    const heldOff = backingOff && !request.force && run.ledger.manifest?.backoff !== null;
    return result(run, request, heldOff, null);
  } catch (error) {
    await run?.ledger.release().catch(() => undefined);
    return failure(context, run, error instanceof Error ? error : new Error(String(error)));
  }
}

/** The plan that a run would carry out now. Touches nothing. */
export async function planKeyset(
  context: KeysetContext,
  request: Request,
): Promise<Plan & { manifest: Manifest | null }> {
  const run = await openRun(context, request);
  const lease = run.ledger.manifest?.lease ?? null;
  const planned = plan(planInput(run));
  if (lease !== null && planned.actions.length > 0 && request.retire === null) assertTakeable(lease, context);
  return { ...planned, manifest: run.ledger.manifest };
}

const DAY = 86_400_000;

/** Versions of a secret younger than a day are never removed, and there may be about 100: an incident must still fit. */
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
  const exits = run.problems.map((problem): ExitCode => EXIT[problem.kind]);
  if (outcome === 'backing-off' || outcome === 'waiting') exits.push(EXIT.services);
  return {
    name: run.context.name,
    actions: run.done,
    active: manifest === null ? null : (activeKey(manifest)?.kid ?? null),
    outcome,
    exit: worstExit(exits),
    problems: run.problems,
    error,
    manifest,
  };
}

function outcomeOf(run: Run, request: Request, backingOff: boolean): Outcome {
  const did = (type: Action['type'], reason?: Action['reason']) =>
    run.done.some((action) => action.type === type && (reason === undefined || action.reason === reason));
  if (request.retire !== null)
    return run.problems.length === 0 || isOut(run, request.retire.kid) ? 'retired' : 'waiting';
  if (request.rollback !== null && run.done.length + run.blocked.size > 0) return 'rolled-back';
  if (did('confirm-signers', 'rolled-back') || run.problems.some((one) => one.code === 'rolled-back'))
    return 'rolled-back';
  if (did('confirm-signers', 'switched')) return 'rotated';
  if (isWaiting(run)) return 'waiting';
  if (backingOff && !did('generate')) return 'backing-off';
  if (did('generate') || did('confirm-verifiers', 'new-key')) return 'staged';
  return did('retire') || did('look-again') || did('confirm-drop') ? 'retired' : 'nothing-due';
}

/** For services, outlets or a clock. That the store takes its time to forget a secret is nobody's concern. */
function isWaiting({ blocked, problems }: Run): boolean {
  return [...blocked].some((what) => !what.startsWith('key ') || problems.some((problem) => problem.block === what));
}

function isOut(run: Run, kid: string): boolean {
  const state = run.ledger.manifest?.keys.find((key) => key.kid === kid)?.state;
  return (state === 'retired' || state === 'destroyed') && !run.blocked.has('outlets');
}

function failure(context: KeysetContext, run: Run | null, error: Error): KeysetResult {
  const exit = error instanceof JwtrotError ? error.exit : context.signal.aborted ? EXIT.interrupted : EXIT.unforeseen;
  const manifest = run?.ledger.manifest ?? null;
  return {
    name: context.name,
    actions: run?.done ?? [],
    active: manifest === null ? null : (activeKey(manifest)?.kid ?? null),
    outcome: 'failed',
    exit: worstExit([exit, ...(run?.problems ?? []).map((problem): ExitCode => EXIT[problem.kind])]),
    problems: run?.problems ?? [],
    error,
    manifest,
  };
}
