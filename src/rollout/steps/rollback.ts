import { JwtrotError } from '../../keyset/error.js';
import { activeKey } from '../../keyset/projection.js';
import { rolledBackByHand, wayBack } from '../../keyset/rollback.js';
import { keyOf, putsOver } from '../../keyset/transitions.js';
import type { Performed, Run } from '../run.js';

/** The way back by hand, recorded in the commit that takes the lease: killed after it, the next run goes on with it. */
export async function rollBack(run: Run, kid: string): Promise<Performed> {
  const { ledger, context } = run;
  const { thumbprint } = keyOf(ledger.known, kid);
  // The direction is final: a key that nobody could deliver must not be what it leads to.
  if ((await context.store.getKey(context.name, thumbprint)) === null) {
    throw new JwtrotError(
      'refused',
      'key-missing',
      `the private key of ${kid} is not in ${context.store.description}: it can't sign again; nothing was changed`,
      { hint: 'restore its secret from a backup, or put a new key in the place of both: jwtrot rotate --force' },
    );
  }
  await ledger.commit((m, at) => {
    const way = wayBack(m);
    // It has changed since: the planner decides from what it is now.
    if (activeKey(m)?.kid === kid || 'code' in way || way.to.kid !== kid) return null;
    return rolledBackByHand(m, context.policy, putsOver(m, m.lease?.until ?? 0, context.policy, at), at);
  });
  return {};
}
