import { replacedAtDeadline, retirementSettled } from '../../keyset/incident.js';
import { activeKey } from '../../keyset/projection.js';
import { signs } from '../../services/service.js';
import { describe, unconfirmed } from '../ask.js';
import { block, type Performed, type Run } from '../run.js';
import { forget } from './generate.js';
import { askTwice } from './publish-again.js';
import { askDropped } from './retire.js';

/** How often what failed is tried again before the deadline. */
const RETRY = 2_000;

/** Something stands in the way of the replacement: it is tried again until the deadline passes. */
export async function awaitDeadline(run: Run, kid: string): Promise<Performed> {
  const { ledger, context } = run;
  // It bounds the wait: by a clock that was set back since, the deadline may be days away.
  await ledger.hold();
  const deadline = ledger.known.retirements.find((one) => one.kid === kid)?.deadlineAt ?? 0;
  const left = deadline - context.clock.now();
  ledger.assertTimeFor('another attempt before the deadline', RETRY);
  await context.clock.sleep(Math.max(0, Math.min(RETRY, left)), context.signal);
  run.blocked.delete('outlets');
  run.blocked.delete('rollout');
  // At the deadline it has been tried: another key signs then, without waiting for KMS once more.
  if (context.clock.now() < deadline) run.blocked.delete('generate');
  return {};
}

/** The deadline has passed: the switch and the end of publication, in one commit, whoever has not answered. */
export async function replaceAtDeadline(run: Run, kid: string): Promise<Performed> {
  const { ledger, context } = run;
  await ledger.commit((m, at) => {
    const retirement = m.retirements.find((one) => one.kid === activeKey(m)?.kid);
    // A commit that was thought to be lost has landed since: its key waits, and comes first. The planner sees it now.
    const another = m.keys.some((one) => one.state === 'pending' && one.kid !== kid);
    return retirement === undefined || another ? null : replacedAtDeadline(m, kid, retirement, context.policy, at);
  });
  forget(run);
  for (const what of ['generate', 'outlets', 'rollout'] as const) run.blocked.delete(what);
  return { text: 'the deadline has passed: nobody was waited for' };
}

/** After `jwksMaxAge`: a verifier may have restarted on a stale JWKS since (TRACES 18). */
export async function lookAgain(run: Run, kid: string): Promise<Performed> {
  const { ledger } = run;
  await ledger.hold();
  // A signer's slow reload may have brought the key back since, too.
  const answers = await askTwice(run, () => askDropped(run, [kid], null, polledSigners(run)));
  const waiting = unconfirmed(answers);
  if (waiting.length > 0) {
    block(
      run,
      'look-again',
      `${waiting.length} of ${answers.length} accept or use the retired key ${kid} again: ${describe(waiting)}`,
    );
    return {};
  }
  await ledger.commit((m, at) => retirementSettled(m, kid, at));
  return { text: `${answers.length} confirmed` };
}

function polledSigners({ context, ledger }: Run) {
  const active = activeKey(ledger.known);
  const polled = context.services.filter((port) => signs(port.service) && port.service.health !== null);
  return active === null ? { services: [], wanted: {} } : { services: polled, wanted: { signs: active.kid } };
}
