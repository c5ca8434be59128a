import type { Action } from '../keyset/planning/action.js';
import { holdsWanted } from '../keyset/published/differences.js';
import { activeKey } from '../keyset/questions/keys.js';
import { OBSERVE_LIMIT } from '../outlets/limits.js';
import type { Unfit } from '../outlets/outlet.js';
import type { Problem } from './problem.js';
import { isHurried, type Run } from './run.js';

/**
 * The problems that a run would meet when it writes outlets, found without writing. They are those of the first place
 * at which it would stop, with the kind that decides its exit code.
 */
export async function tryOutlets(run: Run, actions: readonly Action[]): Promise<readonly Problem[]> {
  const does = (type: Action['type']) => actions.some((action) => action.type === type);
  const unwritable = does('write-outlets') ? await run.context.outlets.unwritable(OBSERVE_LIMIT.usual) : [];
  // In an incident each outlet stands alone, and none is in the way of the switch.
  if (isHurried(run)) return unwritable.map((one) => problem(one.reason, { ...one, kind: 'services' }));
  if (unwritable.length > 0) return unwritable.map((one) => problem(one.reason, one));
  const owed = keyOwed(run);
  if (owed.size === 0 && !does('activate')) return [];
  const undeliverable = await run.context.outlets.undeliverable(OBSERVE_LIMIT.usual);
  return undeliverable.map((one) => {
    if (owed.has(one.outlet)) return problem(one.reason, one);
    return problem(`the signing key can't be delivered: ${one.reason}`, {
      ...one,
      code: 'unconfirmed',
      kind: 'services',
    });
  });
}

/** Outlets that lack the active key, after a reboot for example. */
function keyOwed({ ledger: { manifest }, holdings }: Run): Set<string> {
  if (manifest === null || activeKey(manifest) === null) return new Set();
  const lacking = holdings.filter((holding) => holding.kind === 'deliver' && !holdsWanted(holding, manifest));
  return new Set(lacking.map(({ outlet }) => outlet));
}

function problem(message: string, { hint, code, kind }: Omit<Unfit, 'outlet' | 'reason'>): Problem {
  return { block: 'outlets', message, hint, kind, code };
}
