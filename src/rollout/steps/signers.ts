import { incidentDeadline } from '../../keyset/incident.js';
import { holdsWanted } from '../../keyset/outlet-plan.js';
import { activeKey } from '../../keyset/projection.js';
import {
  backedOff,
  clocksStarted,
  refreshed,
  rolledBack,
  signersConfirmed,
  signersConfirmedForNow,
  signersUnconfirmed,
} from '../../keyset/transitions.js';
import { signs, verifies } from '../../services/service.js';
import { type Answer, ask, describe, lookOnceMore, memberName, type Question, unconfirmed } from '../ask.js';
import { stampsEarly } from '../clock-trust.js';
import { besides, kidsInUse } from '../in-use.js';
import { block, type Performed, patience, type Run } from '../run.js';
import { askTwice } from './publish-again.js';

/** How long signers are given after an incident's deadline: they are reloaded, and looked at once. */
const GRACE = 5_000;

function hint(answers: readonly Answer[]): string | null {
  return answers.find((answer) => answer.hint !== null)?.hint ?? null;
}

/** Reloads every signer, since what is delivered to it changed, and polls until each signs with the active key. */
export async function confirmSigners(run: Run): Promise<Performed> {
  const { ledger, context } = run;
  await ledger.hold();
  const kid = activeKey(ledger.known)?.kid ?? '';
  // Reloads ordered until now may have read the former key; those of this step read what has been delivered.
  const earlier = ledger.reloadsUntil ?? 0;
  const isSwitch = ledger.known.rollout?.phase === 'switch';
  const services = context.services.filter((port) => signs(port.service));
  // One that verifies too may have read a stale JWKS in that very reload.
  const wanted = { signs: kid, accepts: [...new Set([kid, ...besides(ledger.known).accepts])] };
  const asked = context.clock.now();
  const began = context.clock.monotonic();
  const question: Question = {
    services,
    wanted,
    reload: isSwitch ? reloadOf(run) : 'needed',
    until: patience(run, GRACE),
    // In the run of the switch each is looked at before its own reload: that tells more.
    answeredEarlier: run.switched === null && ledger.known.rollout?.signersAnswered === true,
    // On the way back each signer must be brought back, whichever of them does not come.
    pace: ledger.known.rollout?.direction === 'back' ? 'every-wave' : 'waves',
  };
  const answers = await askTwice(run, () => ask(run, question));
  const waiting = unconfirmed(answers);
  // After an incident's deadline signers are reloaded all the same: those who report what they use may read it elsewhere.
  const undelivered = isUndelivered(run) ? NOT_DELIVERED : [];
  if (waiting.length + undelivered.length > 0)
    return notConfirmed(run, kid, [...answers, ...undelivered], [...waiting, ...undelivered]);
  // A restart of its own may have brought one back while others were waited for. In an incident nobody waits for that.
  const last = incidentDeadline(ledger.known) === null ? await lookOnceMore(run, began, services, wanted, null) : [];
  const hasReturned = unconfirmed(last).length > 0;
  const again = hasReturned ? await ask(run, { ...question, reload: 'needed' }) : [];
  if (unconfirmed(again).length > 0) return notConfirmed(run, kid, again, unconfirmed(again));
  await ledger.commit((m, at) => {
    if (isSwitch !== (m.rollout?.phase === 'switch')) return null;
    if (!isSwitch) return clocksStarted(m, context.policy, at);
    // Nor does a clock that is known to be wrong tell from when a key was out of use.
    const mayReturn = earlier > asked || hasReturned || stampsEarly(run, m, at);
    return mayReturn ? signersConfirmedForNow(m, at) : signersConfirmed(m, context.policy, ledger.reloadsUntil, at);
  });
  return { text: answers.length === 0 ? 'no signer is listed' : `${answers.length} confirmed` };
}

/** Back to the former key: whoever was not told to leave it since this run's own switch, and reports it, has not left. */
function reloadOf({ ledger, switched }: Run): Question['reload'] {
  if (ledger.known.rollout?.direction !== 'back' || switched === null) return 'always';
  return (service, instance) => (switched.has(memberName(service, instance)) ? 'always' : 'needed');
}

const NOT_DELIVERED: readonly Answer[] = [
  {
    service: 'outlets',
    instance: 'outlets',
    confirmed: false,
    broke: false,
    reason: 'the signing key could not be delivered',
    hint: null,
  },
];

/** Whoever does not report which key he uses can't have got it where it could not be delivered. */
function isUndelivered({ context, holdings, ledger }: Run): boolean {
  const signers = context.services.filter((port) => signs(port.service));
  const allReport = signers.length > 0 && signers.every((port) => port.service.health !== null);
  const lacking = holdings.some((holding) => holding.kind === 'deliver' && !holdsWanted(holding, ledger.known));
  return lacking && !allReport;
}

/** `onUnconfirmed`: back where the new key broke a signer; else wait, since both keys are published. */
async function notConfirmed(
  run: Run,
  kid: string,
  answers: readonly Answer[],
  waiting: readonly Answer[],
): Promise<Performed> {
  const { ledger, context } = run;
  const { rollout } = ledger.known;
  const who = describe(waiting);
  const canGoBack = rollout?.phase === 'switch' && rollout.direction === 'forward' && rollout.former !== null;
  const broke = waiting.some((answer) => answer.broke);
  const { onUnconfirmed } = context.policy;
  if (canGoBack && (onUnconfirmed === 'rollback' || (onUnconfirmed === 'auto' && broke))) {
    run.problems.push({
      block: null,
      message: `${waiting.length} of ${answers.length} did not confirm ${kid}: ${who}; going back to ${rollout.former}`,
      hint: hint(waiting),
      kind: 'services',
      code: 'rolled-back',
    });
    await ledger.commit((m, at) => backedOff(rolledBack(m, context.policy, who.slice(0, 300), at), who, at));
    return {};
  }
  block(
    run,
    'rollout',
    `${waiting.length} of ${answers.length} do not sign with ${kid} yet: ${who}; both keys stay published`,
    hint(waiting),
  );
  if (ledger.known.retirements.length === 0) await ledger.commit((m, at) => signersUnconfirmed(m, who, at));
  return {};
}

/** After outlets were written again: services are reloaded, and must hold what the manifest says. */
export async function refreshServices(run: Run): Promise<Performed> {
  const { ledger, context } = run;
  await ledger.hold();
  const { refresh, rollout } = ledger.known;
  const active = activeKey(ledger.known);
  const accepts = kidsInUse(ledger.known);
  const publish = refresh?.publish === true && accepts.length > 0;
  const deliver = refresh?.deliver === true && active !== null && rollout?.phase !== 'switch';
  const signers = context.services.filter((port) => deliver && signs(port.service));
  const verifiers = context.services.filter((port) => publish && verifies(port.service));
  const names = new Set(signers.map((port) => port.service.name));
  // One question: a service that is both is asked once, and is in one wave.
  const question: Question = {
    services: [...new Set([...verifiers, ...signers])],
    wanted: {
      ...besides(ledger.known),
      ...(publish ? { accepts } : {}),
      ...(deliver ? { signs: active.kid } : {}),
    },
    reload: (service) => (names.has(service) ? 'always' : 'needed'),
    until: patience(run, GRACE),
  };
  const answers = await askTwice(run, () => ask(run, question));
  const waiting = unconfirmed(answers);
  if (waiting.length > 0) {
    block(
      run,
      'refresh',
      `outlets were written again, but ${waiting.length} of ${answers.length} did not confirm: ${describe(waiting)}`,
      hint(waiting),
    );
    await ledger.commit((m, at) => backedOff(m, describe(waiting), at));
    return {};
  }
  await ledger.commit(refreshed);
  return { text: `${answers.length} confirmed` };
}
