import { JwtrotError } from '../../keyset/basics/error.js';
import { quoteOutside } from '../../keyset/basics/outside-text.js';
import { holdsRetiring } from '../../keyset/planning/elsewhere.js';
import { fencedBy } from '../../keyset/published/fence.js';
import { outletContent } from '../../keyset/published/jwk-set.js';
import type { OutletProblem, WriteResult } from '../../outlets/outlet.js';
import { HURRIED, observe } from '../observe.js';
import { block, type Performed, patience, type Run } from '../run.js';

/** How long outlets get when the deadline has passed. */
const GRACE = 2_000;

/** In another history: takes the keys that are being retired out of each outlet, and adds nothing. Once in a run. */
export async function takeOut(run: Run): Promise<Performed> {
  const { context, ledger } = run;
  await ledger.hold();
  const { problems, publish, deliver } = await subtract(run).catch((error: unknown) => unforeseen(run, error));
  run.holdings = await observe(context, true);
  run.fenced = fencedBy(ledger.known);
  // Each outlet's problem is reported; only an outlet that may still hold the key counts as a failure.
  const holding = new Set(run.holdings.filter((one) => holdsRetiring(one, ledger.known)).map(({ outlet }) => outlet));
  for (const { outlet, message, hint, code, passing } of problems) {
    // An outlet that is held up may be about to get the key.
    if (outlet === '' || passing || holding.has(outlet)) block(run, 'outlets', { message, hint, code });
    else run.problems.push({ block: null, message, hint, kind: 'services', code });
  }
  for (const problem of stillHolding(run, problems)) block(run, 'outlets', problem);
  return publish || deliver ? { text: 'taken out of what this host writes' } : {};
}

function subtract(run: Run): Promise<WriteResult> {
  const { context, ledger } = run;
  const until = patience(run, GRACE);
  return context.outlets.locked({ timeout: HURRIED, alone: true }, (writer) =>
    writer.write(outletContent(ledger.known), nothingToDeliver, {
      otherHistory:
        ledger.history.other?.why === 'damaged' && ledger.history.other.code === 'store-failed' ? 'no-store' : true,
      again: false,
      limit: until === null ? null : until - context.clock.now(),
      signal: context.signal,
    }),
  );
}

/** Turns any error into a problem, so that verifiers are asked all the same. */
function unforeseen({ context }: Run, error: unknown): WriteResult {
  if (context.signal.aborted) throw error;
  const foreseen = error instanceof JwtrotError ? error : null;
  const problem: OutletProblem = {
    outlet: '',
    code: foreseen?.code ?? 'unforeseen',
    message: foreseen?.message ?? `the key was not taken out of every outlet: ${quoteOutside(String(error))}`,
    hint: foreseen?.hint ?? null,
    kind: 'services',
    passing: false,
  };
  return { publish: false, deliver: false, problems: [problem] };
}

/** Outlets that still hold the key afterwards, and that no problem names. */
function stillHolding({ holdings, ledger }: Run, problems: readonly OutletProblem[]) {
  const named = new Set(problems.map(({ outlet }) => outlet));
  const left = holdings.filter((holding) => !named.has(holding.outlet) && holdsRetiring(holding, ledger.known));
  return left.map(({ outlet }) => ({
    code: 'not-taken-out',
    message: `${outlet} may hold the key still`,
    hint: `look into it, and take the key out by hand: ${outlet}`,
  }));
}

async function nothingToDeliver(): Promise<Uint8Array> {
  throw new JwtrotError('refused', 'other-history', 'no key is delivered from another history');
}
