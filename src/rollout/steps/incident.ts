import { replacedAtDeadline, retirementSettled } from '../../keyset/incident.js';
import { activeKey } from '../../keyset/projection.js';
import { describe, unconfirmed } from '../ask.js';
import { block, type Performed, type Run } from '../run.js';
import { askDropped } from './retire.js';

/** How often what failed is tried again before the deadline. */
const RETRY = 2_000;

/** Something stands in the way of the replacement: it is tried again until the deadline passes. */
export async function awaitDeadline(run: Run, kid: string): Promise<Performed> {
  const { ledger, context } = run;
  const deadline = ledger.known.retirements.find((one) => one.kid === kid)?.deadlineAt ?? 0;
  const left = deadline - context.clock.now();
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
    return retirement === undefined ? null : replacedAtDeadline(m, kid, retirement, context.policy, at);
  });
  for (const what of ['generate', 'outlets', 'rollout'] as const) run.blocked.delete(what);
  return { text: 'the deadline has passed: nobody was waited for' };
}

/** After `jwksMaxAge`: a verifier may have restarted on a stale JWKS since (TRACES 18). */
export async function lookAgain(run: Run, kid: string): Promise<Performed> {
  const { ledger } = run;
  await ledger.hold();
  const answers = await askDropped(run, [kid], null);
  const waiting = unconfirmed(answers);
  if (waiting.length > 0) {
    block(
      run,
      'look-again',
      `${waiting.length} of ${answers.length} accept the retired key ${kid} again: ${describe(waiting)}`,
    );
    return {};
  }
  await ledger.commit((m, at) => retirementSettled(m, kid, at));
  return { text: `${answers.length} confirmed` };
}
