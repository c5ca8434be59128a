import type { Action } from '../keyset/action.js';
import { JwtrotError } from '../keyset/error.js';
import { consume } from '../keyset/plan.js';
import { decide } from '../keyset/planner.js';
import { isTakeable } from './lease.js';
import { PlanAgain } from './ledger.js';
import { observe } from './observe.js';
import { perform } from './perform.js';
import { planInput, type Run } from './run.js';

const MOST_STEPS = 300;

/** Decides and acts until nothing is due, everything left is blocked, or the run must stop. */
export async function carryOut(run: Run): Promise<void> {
  const { context } = run;
  for (let step = 0; step < MOST_STEPS; step += 1) {
    context.signal.throwIfAborted();
    const decision = decide(planInput(run));
    if (decision.type === 'nothing') return tidy(run);
    if (decision.type === 'refused') {
      // What it was decided from may be old: another run has worked since, and what the outlets hold is its.
      if (await run.ledger.catchUp()) {
        run.holdings = await observe(context);
        continue;
      }
      const { code, message, hint } = decision.refusal;
      throw new JwtrotError('refused', code, message, { hint });
    }
    await act(run, decision.action);
    // What an incident tries again until its deadline is bounded by time.
    if (decision.action.type === 'await-deadline') step = 0;
  }
  throw new Error(`the run of keyset ${context.name} did not come to an end`);
}

/** A run that was killed when all else was done has left its lease. */
async function tidy({ ledger, context }: Run): Promise<void> {
  const lease = ledger.manifest?.lease ?? null;
  if (lease === null || !isTakeable(lease, context)) return;
  await ledger
    .commit((manifest) => manifest)
    .catch((error: unknown) => {
      // Somebody else has taken it by now.
      if (!(error instanceof PlanAgain)) throw error;
    });
}

async function act(run: Run, action: Action): Promise<void> {
  const { context } = run;
  const asked = run.request;
  run.request = consume(asked, action);
  context.report({ type: 'action', keyset: context.name, action });
  const blockedBefore = run.blocked.size;
  try {
    const detail = await perform(run, action, asked);
    if (run.blocked.size > blockedBefore) return;
    run.done.push(detail.kid === undefined ? action : { ...action, kid: detail.kid });
    context.report({ type: 'done', keyset: context.name, action, detail: detail.text ?? null });
  } catch (error) {
    if (!(error instanceof PlanAgain)) throw error;
    run.request = asked;
    run.holdings = await observe(context);
  }
}
