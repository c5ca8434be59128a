import type { JwtrotError } from '../../keyset/basics/error.js';
import type { OutletProblem } from '../../outlets/outlet.js';
import type { Problem } from '../problem.js';
import { block, isHurried, type Run } from '../run.js';
import { forget } from './outlet-problems.js';

/**
 * Sets aside that nobody here can unwrap the active key to deliver it: the next key mends that, so nothing holds it up.
 * @param sealed why nobody here can unwrap it
 * @returns the other problems
 */
export function withoutDelivery(
  run: Run,
  sealed: readonly JwtrotError[],
  problems: readonly OutletProblem[],
): readonly OutletProblem[] {
  forget(run, 'delivery');
  return problems.filter((one) => {
    const found = undelivered(run, one, sealed);
    if (found !== null) block(run, 'delivery', found);
    return found === null;
  });
}

/** In a switch, and in an incident, a key that can't be unwrapped counts like an outlet that can't be written. */
function undelivered(
  run: Run,
  problem: OutletProblem,
  sealed: readonly JwtrotError[],
): (Partial<Problem> & Named) | null {
  const { rollout } = run.ledger.known;
  const isSealed = problem.cause !== undefined && sealed.some((one) => one === problem.cause);
  if (!isSealed || isHurried(run) || rollout?.phase === 'switch') return null;
  const isReplaced = run.request.force || rollout !== null;
  const reason = problem.message.replace(/; (it was not used and )?nothing was (changed|delivered)$/, '');
  const message = `${reason}; the signing key was not delivered`;
  return { ...problem, message, hint: isReplaced ? REPLACED : problem.hint };
}

type Named = Pick<Problem, 'message'>;

const REPLACED = 'the next key takes its place when publishAhead is over; without that: jwtrot rotate --immediate';
