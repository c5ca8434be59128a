import type { ActionOf } from '../../keyset/planning/action.js';
import { outcome } from '../../keyset/planning/outcome.js';
import { activeKeyBeingRetired } from '../../keyset/questions/incidents.js';
import { activeKey } from '../../keyset/questions/keys.js';
import { putsOver } from '../../keyset/transitions/all.js';
import { signs } from '../../services/service.js';
import { describe, unconfirmed } from '../ask.js';
import { block, commit, type Performed, type Run } from '../run.js';
import { forget } from './generate.js';
import { askTwice } from './publish-again.js';
import { askDropped } from './retire.js';

/**
 * Records the request in the commit that takes the lease. The deadline counts from the run's start: reading the store
 * and ending another run may have taken a while.
 */
export async function recordRetirement(run: Run, action: ActionOf<'record-retirement'>): Promise<Performed> {
  const { clock } = run.context;
  await commit(run, (m, now) => {
    const putsUntil = putsOver(m, m.lease?.until ?? 0, now);
    const deadline = action.request.deadline - (clock.monotonic() - run.began.monotonic);
    const request = { ...action.request, deadline };
    return outcome(m, { ...action, request }, now, { putsUntil });
  });
  return {};
}

/** The pause between two attempts before the deadline. */
const RETRY = 2_000;

/** Something is in the way of the replacement. Waits, then lets the run try again, until the deadline passes. */
export async function awaitDeadline(run: Run, { kid }: ActionOf<'await-deadline'>): Promise<Performed> {
  const { ledger, context } = run;
  // The lease bounds the wait: if the clock was set back since, the deadline may be days away.
  await ledger.hold();
  const deadline = ledger.known.retirements.find((one) => one.kid === kid)?.deadlineAt ?? 0;
  const left = deadline - context.clock.now();
  ledger.tenure.assertTimeFor('another attempt before the deadline', RETRY);
  await context.clock.sleep(Math.max(0, Math.min(RETRY, left)), context.signal);
  run.blocked.delete('outlets');
  run.blocked.delete('rollout');
  // At the deadline another key signs instead, without waiting for KMS once more.
  if (context.clock.now() < deadline) run.blocked.delete('generate');
  return {};
}

/** After the deadline: switches and ends the publication in one commit, without waiting for any answer. */
export async function replaceAtDeadline(run: Run, action: ActionOf<'replace-at-deadline'>): Promise<Performed> {
  await commit(run, (m, now) => {
    // A commit that was believed lost has landed since: its key is waiting, and comes first. The planner sees it now.
    const another = m.keys.some((one) => one.state === 'pending' && one.kid !== action.kid);
    const isNeeded = activeKeyBeingRetired(m) !== null || activeKey(m) === null;
    return !isNeeded || another ? null : outcome(m, action, now, null);
  });
  forget(run);
  for (const what of ['generate', 'outlets', 'delivery', 'rollout'] as const) run.blocked.delete(what);
  return { text: 'the deadline has passed: nobody was waited for' };
}

/** Looks again after `jwksMaxAge`: a verifier may have restarted on a stale JWKS since (docs/traces.md, 18). */
export async function recheckDrop(run: Run, action: ActionOf<'recheck-drop'>): Promise<Performed> {
  const { ledger } = run;
  const { kid } = action;
  await ledger.hold();
  // A slow reload may also have brought the key back to a signer.
  const answers = await askTwice(run, () => askDropped(run, [kid], run.closing, polledSigners(run)));
  const waiting = unconfirmed(answers);
  if (waiting.length > 0) {
    const message = `${waiting.length} of ${answers.length} do not show that they have left the retired key ${kid}: ${describe(waiting)}`;
    block(run, 'recheck-drop', { message });
    return {};
  }
  await commit(run, (m, now) => outcome(m, action, now, null));
  return { text: `${answers.length} confirmed` };
}

function polledSigners({ context, ledger }: Run) {
  // Nobody is moved to the active key of another history: it may be retired.
  const active = ledger.history.other === null ? activeKey(ledger.known) : null;
  const polled = context.services.filter((port) => signs(port.service) && port.service.health !== null);
  return active === null ? { services: [], wanted: {} } : { services: polled, wanted: { signs: active.kid } };
}
