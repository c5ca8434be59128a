import { JwtrotError } from '../../keyset/basics/error.js';
import { quoteOutside } from '../../keyset/basics/outside-text.js';
import type { Block } from '../../keyset/planning/action.js';
import type { OutletProblem, Unread } from '../../outlets/outlet.js';
import { PlanAgain } from '../ledger-options.js';
import { isHurried, type Run } from '../run.js';

export function notPublished({ outlet, reason }: Unread): OutletProblem {
  const message = `not published: ${outlet}: ${reason}`;
  return { outlet, code: 'not-published', message, hint: null, kind: 'services', passing: true };
}

/** In an incident no failure of outlets keeps services from being asked. @throws an error that ends the run */
export function standingAlone(run: Run, error: unknown): OutletProblem {
  const isIncident = isHurried(run) && !run.context.signal.aborted && !(error instanceof PlanAgain);
  if (!(error instanceof JwtrotError)) {
    if (!isIncident) throw error;
    const message = `the outlets were not all written: ${quoteOutside(String(error))}`;
    return { outlet: '', code: 'unforeseen', message, hint: 'please report it', kind: 'services', passing: false };
  }
  const { code, message, hint = null, kind } = error;
  // Another run writes now.
  if (kind === 'leased' || code === 'older-revision') throw error;
  if (kind !== 'services' && !isIncident) throw error;
  return { outlet: '', code, message, hint, kind, passing: false };
}

export function outletsNamed({ problems }: Run): number {
  return problems.filter(({ block: what }) => what === 'outlets').length;
}

/** Says what is waited for, which may take minutes. */
export function tellsOfWait({ context }: Run): (text: string) => void {
  return (text) => context.report({ type: 'note', keyset: context.name, level: 'info', text });
}

/** Lets this part of the plan be tried again, and drops its problems: they are reported anew. */
export function forget({ blocked, problems }: Run, what: Block): void {
  blocked.delete(what);
  const others = problems.filter((problem) => problem.block !== what);
  problems.splice(0, problems.length, ...others);
}
