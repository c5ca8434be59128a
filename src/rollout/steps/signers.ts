import type { Duration } from '../../keyset/basics/clock.js';
import { isPublished } from '../../keyset/manifest/states.js';
import type { ActionOf } from '../../keyset/planning/action.js';
import { outcome } from '../../keyset/planning/outcome.js';
import { holdsWanted } from '../../keyset/published/differences.js';
import { incidentDeadline } from '../../keyset/questions/incidents.js';
import { activeKey } from '../../keyset/questions/keys.js';
import { isIncident } from '../../keyset/questions/open-incidents.js';
import { mayGoBack } from '../../keyset/questions/slow-reload.js';
import { backedOff, keyOf, rolledBack, signersUnconfirmed } from '../../keyset/transitions/all.js';
import { signs, verifies } from '../../services/service.js';
import { type Answer, ask, describe, hintOf, memberName, type Question, recheck, unconfirmed } from '../ask.js';
import { stampsEarly } from '../clock-trust.js';
import { besides, compromisedKids, kidsInUse } from '../in-use.js';
import { block, commit, type Performed, patience, type Run } from '../run.js';
import { askTwice } from './publish-again.js';

/** How long signers get after an incident's deadline: enough for a reload and one look. As much is left for verifiers. */
const GRACE = 2_500;

/** Reloads every signer, since what is delivered to it changed, and polls until each signs with the active key. */
export async function confirmSigners(run: Run, action: ActionOf<'confirm-signers'>): Promise<Performed> {
  const { ledger } = run;
  const { clock } = run.context;
  const { kid, settles } = action;
  await ledger.hold();
  // Earlier reloads may have read the former key; those of this step read the key that was delivered.
  const earlier = ledger.tenure.reloadsUntil;
  const asked = clock.now();
  const began = clock.monotonic();
  const question = questionOf(run, action);
  const answers = await askTwice(run, () => ask(run, question));
  // After an incident's deadline signers are reloaded even without delivery: they may read their key elsewhere.
  const all = isUndelivered(run) ? [...answers, NOT_DELIVERED] : answers;
  if (unconfirmed(all).length > 0) return notConfirmed(run, kid, all);
  const returned = await returnedSince(run, began, question);
  const again = returned.length > 0 ? await ask(run, { ...question, reload: 'needed' }) : [];
  if (unconfirmed(again).length > 0) return notConfirmed(run, kid, again);
  await commit(run, (m, now) => {
    if ((settles === 'former-clock') === (m.rollout?.phase === 'switch')) return null;
    // A clock that is known to be wrong can't tell when the former key went out of use.
    const mayReturn = mayGoBack(earlier, asked) || returned.length > 0 || stampsEarly(run, m, now.at);
    return outcome(m, action, now, { mayReturn, reloadsUntil: ledger.tenure.reloadsUntil });
  });
  return { text: answers.length === 0 ? 'no signer is listed' : `${answers.length} confirmed` };
}

function questionOf(run: Run, { kid, settles }: ActionOf<'confirm-signers'>): Question {
  const { ledger, context } = run;
  return {
    services: context.services.filter((port) => signs(port.service)),
    // A signer that also verifies may have read a stale JWKS in that very reload.
    wanted: { signs: kid, accepts: [...new Set([kid, ...besides(ledger.known).accepts])] },
    reload: settles === 'former-clock' ? 'needed' : reloadOf(run),
    until: patience(run, GRACE),
    // The run that switches polls each signer right before its own reload, which tells more.
    answeredEarlier: run.switched === null && ledger.known.rollout?.signersAnswered === true,
    // On the way back every signer must be reloaded, even after one of them has failed.
    pace: settles === 'way-back' ? 'every-wave' : 'waves',
  };
}

/** A signer may have restarted with the former key while others were waited for. An incident does not wait for that. */
async function returnedSince(run: Run, began: Duration, question: Question): Promise<readonly Answer[]> {
  if (incidentDeadline(run.ledger.known) !== null) return [];
  return unconfirmed(await recheck(run, began, question, null));
}

/** On the way back: an instance that this run never took off the former key is reloaded only if it reports another. */
function reloadOf({ ledger, switched }: Run): Question['reload'] {
  if (ledger.known.rollout?.direction !== 'back' || switched === null) return 'always';
  return (service, instance) => (switched.has(memberName(service, instance)) ? 'always' : 'needed');
}

const NOT_DELIVERED: Answer = {
  service: 'outlets',
  instance: 'outlets',
  confirmed: false,
  broke: false,
  reason: 'the signing key could not be delivered',
  hint: null,
};

/** The key could not be delivered to an outlet, and not every signer can show that it has the key from elsewhere. */
function isUndelivered({ context, holdings, ledger }: Run): boolean {
  const signers = context.services.filter((port) => signs(port.service));
  const allReport = signers.length > 0 && signers.every((port) => port.service.health !== null);
  const lacking = holdings.some((holding) => holding.kind === 'deliver' && !holdsWanted(holding, ledger.known));
  return lacking && !allReport;
}

/** Applies `onUnconfirmed`. `auto` goes back if the new key broke a signer; else it waits: both keys are published. */
async function notConfirmed(run: Run, kid: string, answers: readonly Answer[]): Promise<Performed> {
  const { ledger, context } = run;
  const waiting = unconfirmed(answers);
  const { rollout } = ledger.known;
  const who = describe(waiting);
  const canGoBack = rollout?.phase === 'switch' && rollout.direction === 'forward' && rollout.former !== null;
  const broke = waiting.some((answer) => answer.broke);
  const { onUnconfirmed } = context.policy;
  if (canGoBack && (onUnconfirmed === 'rollback' || (onUnconfirmed === 'auto' && broke))) {
    run.problems.push({
      block: null,
      message: `${waiting.length} of ${answers.length} did not confirm ${kid}: ${who}; going back to ${rollout.former}`,
      hint: hintOf(waiting),
      kind: 'services',
      code: 'rolled-back',
    });
    await commit(run, (m, now) => backedOff(rolledBack(m, now, who.slice(0, 300)), who, now.at));
    return {};
  }
  const isCalm = !isIncident(ledger.known);
  const isAlone = ledger.known.keys.filter(({ state }) => isPublished(state)).length < 2;
  const stays = isAlone ? 'it stays published' : 'both keys stay published';
  const message = `${waiting.length} of ${answers.length} do not sign with ${kid} yet: ${who}${isCalm ? `; ${stays}` : ''}`;
  block(run, 'rollout', { message, hint: hintOf(waiting) });
  if (isCalm) await commit(run, (m, { at }) => signersUnconfirmed(m, who, at));
  return {};
}

/** Makes services take over what the manifest says, after outlets were written again and when caches have expired. */
export async function refreshServices(run: Run, action: ActionOf<'refresh-services'>): Promise<Performed> {
  const { ledger, context } = run;
  await ledger.hold();
  const { refresh, rollout } = ledger.known;
  const active = activeKey(ledger.known);
  const accepts = kidsInUse(ledger.known);
  const publish = refresh?.publish !== false && accepts.length > 0;
  const deliver = refresh?.deliver === true && active !== null && rollout?.phase !== 'switch';
  const signers = context.services.filter((port) => deliver && signs(port.service));
  const verifiers = context.services.filter((port) => publish && verifies(port.service));
  // Canaries can't show a key without a private half, so nothing but a reload makes sure of it.
  const isUnshowable = accepts.some((kid) => !keyOf(ledger.known, kid).hasPrivate);
  const blind = verifiers.filter(({ service }) => isUnshowable && service.health?.type === 'canary');
  const names = new Set([...signers, ...blind].map((port) => port.service.name));
  const activeKid = active === null ? {} : { activeKid: active.kid };
  // One question for all: a service of role `both` is asked once, and is in one wave.
  const question: Question = {
    services: [...new Set([...verifiers, ...signers])],
    wanted: {
      ...besides(ledger.known),
      ...(publish ? { accepts, drops: compromisedKids(ledger.known), ...activeKid } : {}),
      ...(deliver ? { signs: active.kid } : {}),
    },
    reload: (service) => (names.has(service) ? 'always' : 'needed'),
    until: patience(run, GRACE),
  };
  const answers = await askTwice(run, () => ask(run, question));
  const waiting = unconfirmed(answers);
  if (waiting.length > 0) {
    const message = `outlets were written again, but ${waiting.length} of ${answers.length} did not confirm: ${describe(waiting)}`;
    block(run, 'refresh', { message, hint: hintOf(waiting) });
    await commit(run, (m, { at }) => backedOff(m, describe(waiting), at));
    return {};
  }
  await commit(run, (m, now) => outcome(m, action, now, null));
  return { text: `${answers.length} confirmed` };
}
