import type { JwtrotError } from '../../keyset/basics/error.js';
import { activeKey } from '../../keyset/questions/keys.js';
import type { OutletProblem } from '../../outlets/outlet.js';
import type { Problem } from '../problem.js';
import { block, isHurried, type Run } from '../run.js';
import { forget } from './outlet-problems.js';

/**
 * Sets aside what is wrong with deliveries alone: the next key mends it, so nothing holds that key up.
 * @param sealed why nobody here can unwrap the active key
 * @returns the other problems
 */
export function withoutDelivery(
  run: Run,
  sealed: readonly JwtrotError[],
  problems: readonly OutletProblem[],
): readonly OutletProblem[] {
  forget(run, 'delivery');
  return problems.filter((one) => {
    const found = leftBehind(run, one) ?? undelivered(run, one, sealed);
    if (found !== null) block(run, 'delivery', found);
    return found === null;
  });
}

/** No key is active, and a command that can't take a key away still holds one. */
function leftBehind({ ledger: { known } }: Run, problem: OutletProblem): (Partial<Problem> & Named) | null {
  if (problem.code !== 'still-delivered' || activeKey(known) !== null) return null;
  return known.rollout === null ? problem : { ...problem, hint: `take it away by hand; or wait: ${REPLACED}` };
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
