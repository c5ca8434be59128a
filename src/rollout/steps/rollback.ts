import { JwtrotError } from '../../keyset/basics/error.js';
import type { ActionOf } from '../../keyset/planning/action.js';
import { outcome } from '../../keyset/planning/outcome.js';
import { wayBack } from '../../keyset/planning/rollback.js';
import { activeKey } from '../../keyset/questions/keys.js';
import { keyOf, putsOver } from '../../keyset/transitions/all.js';
import { commit, type Performed, type Run } from '../run.js';

/** Begins a rollback by hand. The commit that takes the lease records it, so the next run goes on after a kill. */
export async function rollBack(run: Run, action: ActionOf<'roll-back'>): Promise<Performed> {
  const { ledger, context } = run;
  const { kid } = action;
  const { thumbprint } = keyOf(ledger.known, kid);
  // The direction is final, so it must not lead to a key that nobody can deliver.
  if ((await context.store.getKey(context.name, thumbprint)) === null) {
    throw new JwtrotError(
      'refused',
      'key-missing',
      `the private key of ${kid} is not in ${context.store.description}: it can't sign again; nothing was changed`,
      { hint: 'restore its secret from a backup, or put a new key in the place of both: jwtrot rotate --force' },
    );
  }
  await commit(run, (m, now) => {
    const way = wayBack(m);
    // The manifest has changed since: the planner decides again.
    if (activeKey(m)?.kid === kid || 'code' in way || way.to.kid !== kid) return null;
    return outcome(m, action, now, { putsUntil: putsOver(m, m.lease?.until ?? 0, now) });
  });
  return {};
}
