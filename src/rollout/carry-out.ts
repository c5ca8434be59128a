import { JwtrotError } from '../keyset/basics/error.js';
import { type Action, kidOf } from '../keyset/planning/action.js';
import { decide } from '../keyset/planning/order.js';
import { consume } from '../keyset/planning/plan.js';
import type { KeysetContext } from './context.js';
import { isTakeable } from './lease.js';
import { PlanAgain } from './ledger-options.js';
import { observe } from './observe.js';
import { perform } from './perform.js';
import { commit, isHurried, planInput, type Run } from './run.js';
import { standsAlone } from './stand-alone.js';
import { forget } from './steps/outlet-problems.js';

const MOST_STEPS = 300;

/** Decides and acts until nothing is due, everything left is blocked, or the run must stop. */
export async function carryOut(run: Run): Promise<void> {
  const { context } = run;
  let isElsewhere = run.ledger.history.other !== null;
  for (let step = 0; step < MOST_STEPS; step += 1) {
    context.signal.throwIfAborted();
    const wasElsewhere = isElsewhere;
    isElsewhere = run.ledger.history.other !== null;
    if (isElsewhere && !wasElsewhere) takeOutAnew(run);
    const decision = decide(planInput(run));
    if (decision.type === 'nothing') return tidy(run);
    if (decision.type === 'refused') {
      // The refusal may rest on an old read: another run may have committed, and written the outlets, since.
      if (await run.ledger.catchUp()) {
        run.holdings = await observe(context, isHurried(run));
        continue;
      }
      const { kind = 'refused', code, message, hint } = decision.refusal;
      throw new JwtrotError(kind, code, message, { hint });
    }
    await act(run, decision.action);
    // An incident's retries are bounded by its deadline instead.
    if (decision.action.type === 'await-deadline') step = 0;
  }
  throw new Error(`the run of keyset ${context.name} did not come to an end`);
}

/** The store's history is another one from here on. The key leaves each outlet anew, whatever failed there before. */
function takeOutAnew(run: Run): void {
  forget(run, 'outlets');
  forget(run, 'drop');
  run.blocked.delete('held');
}

/** Removes the lease of a run that was killed after all its work was done. */
async function tidy(run: Run): Promise<void> {
  const { ledger, context } = run;
  const lease = ledger.manifest?.lease ?? null;
  if (lease === null || !isTakeable(lease, context)) return;
  await commit(run, (manifest) => manifest).catch((error: unknown) => {
    // Another run has taken it since.
    if (!(error instanceof PlanAgain)) throw error;
  });
}

/** Without outlets, `write-outlets` writes nothing: it only commits that the set is published. */
export function isWorthALine({ outlets }: KeysetContext, { type }: Action): boolean {
  return type !== 'write-outlets' || outlets.publish.length + outlets.deliver.length > 0;
}

async function act(run: Run, action: Action): Promise<void> {
  const { context } = run;
  const asked = run.request;
  run.request = consume(asked, action);
  if (isWorthALine(context, action)) context.report({ type: 'action', keyset: context.name, action });
  for (const { polls } of context.services) polls?.phase(`${action.type} ${kidOf(action)}`);
  const blockedBefore = run.blocked.size;
  try {
    const detail = await perform(run, action);
    if (run.blocked.size > blockedBefore) return;
    run.done.push(action.type === 'generate' ? { ...action, kid: detail.kid ?? null } : action);
    if (!isWorthALine(context, action)) return;
    const storeless = run.ledger.history.isStoreless ? ({ isStoreless: true } as const) : {};
    context.report({ type: 'done', keyset: context.name, action, detail: detail.text ?? null, ...storeless });
  } catch (error) {
    if (!(error instanceof PlanAgain)) {
      if (standsAlone(run, action, error)) return;
      throw error;
    }
    run.request = asked;
    run.holdings = await observe(context, isHurried(run));
  }
}
