import type { Instant } from '../../keyset/basics/clock.js';
import { isPublished } from '../../keyset/manifest/states.js';
import type { ActionOf } from '../../keyset/planning/action.js';
import { outcome } from '../../keyset/planning/outcome.js';
import { holdsWanted } from '../../keyset/published/differences.js';
import { outletContent } from '../../keyset/published/jwk-set.js';
import { dueBy } from '../../keyset/questions/clock-trust.js';
import { mayActivate } from '../../keyset/questions/due.js';
import { activeKeyBeingRetired, latestDeadline } from '../../keyset/questions/incidents.js';
import { activeKey } from '../../keyset/questions/keys.js';
import { isQuietSince } from '../../keyset/questions/slow-reload.js';
import { backedOff, keyOf } from '../../keyset/transitions/all.js';
import { preloads, type ServicePort, verifies } from '../../services/service.js';
import type { Wanted } from '../../services/wanted.js';
import { doSignersAnswer } from '../answering.js';
import { type Answer, ask, describe, hintOf, recheck, unconfirmed } from '../ask.js';
import { assertCacheable } from '../caching.js';
import { offsetOf } from '../clock-trust.js';
import { besides } from '../in-use.js';
import { READ_BACK_DEADLINE } from '../limit.js';
import { observe } from '../observe.js';
import { block, commit, isHurried, type Performed, type Run, timeFor } from '../run.js';
import { isDeliverable } from './deliverable.js';
import { forget, tellsOfWait } from './outlet-problems.js';
import { askTwice } from './publish-again.js';

/** Between the gate's last look and the switch. */
const MOST_PAUSE = 15_000;

/** Every verifier. For a key that is about to sign also the signers that show that they hold it. */
function askedOf(run: Run, kid: string): ServicePort[] {
  const alsoSigners = awaitsPreloading(run, kid);
  return run.context.services.filter(({ service }) => verifies(service) || (alsoSigners && preloads(service)));
}

/**
 * Signers must hold the pending key before it signs: one that can't unwrap it would stop signing. While no key signs,
 * nothing can stop, and a signer that has no key to sign with may not even run.
 */
function awaitsPreloading({ ledger }: Run, kid: string): boolean {
  return activeKey(ledger.known) !== null && keyOf(ledger.known, kid).state === 'pending';
}

/**
 * The deadline for the new key. It has one if it replaces a leaked key, or if an operator awaits it because no key signs.
 * Any other new key waits for its verifiers, even while a leaked key is being dropped. Another key that has to leave
 * sooner ends the wait: signers may still use it, so it stays until then, and nothing may hold up its end.
 */
function replacementDeadline({ ledger, request, closing }: Run): Instant | null {
  const manifest = ledger.known;
  const isAwaited = request.incidentOnly && activeKey(manifest) === null;
  const own = isAwaited ? latestDeadline(manifest) : (activeKeyBeingRetired(manifest)?.deadlineAt ?? null);
  if (own === null) return null;
  const leaving = manifest.retirements.filter(({ kid }) => isPublished(keyOf(manifest, kid).state));
  return Math.min(own, ...leaving.map(({ deadlineAt }) => deadlineAt), closing ?? Number.POSITIVE_INFINITY);
}

function askVerifiers(run: Run, kid: string): Promise<Answer[]> {
  const until = replacementDeadline(run);
  return ask(run, { services: askedOf(run, kid), wanted: wantedOf(run, kid), reload: 'needed', until });
}

/** A JWKS that holds the new key also holds the older ones: the new kid alone proves it. */
function wantedOf(run: Run, kid: string): Wanted {
  const { accepts, ...other } = besides(run.ledger.known);
  const preloading = awaitsPreloading(run, kid) ? { preloads: kid } : {};
  return { ...other, ...preloading, inUse: accepts, accepts: accepts.includes(kid) ? accepts : [kid] };
}

/** Reloads each that does not report the new kid (as accepted, or as preloaded), and polls until it does. */
export async function confirmVerifiers(run: Run, action: ActionOf<'confirm-verifiers'>): Promise<Performed> {
  const { ledger } = run;
  const { kid } = action;
  await ledger.hold();
  const answers = await askTwice(run, () => askVerifiers(run, kid));
  if (unconfirmed(answers).length > 0) return shut(run, kid, answers);
  await commit(run, (m, now) => {
    const { state, publishedAt } = keyOf(m, kid);
    const isPublic = state === 'active' || state === 'deprecated' || (state === 'pending' && publishedAt !== null);
    return isPublic ? outcome(m, action, now, null) : null;
  });
  return { text: answers.length === 0 ? 'no verifier is listed' : `${answers.length} confirmed` };
}

/**
 * A killed run's command may still put an older set back right after the gate. Its time limit is waited for. Nobody can
 * tell what the outlet holds then, so it is written once more before the gate is passed.
 */
async function awaitCommands(run: Run): Promise<void> {
  const { clock, signal } = run.context;
  const holdings = await observe(run.context, isHurried(run));
  const longest = Math.max(0, ...holdings.map(({ busyUntil }) => (busyUntil ?? 0) - clock.now()));
  const left = Math.min(longest, timeFor(run, longest, replacementDeadline(run)));
  if (left > 0) await clock.sleep(left, signal);
}

/** The gate: outlets still hold the key, every verifier still accepts it; then the switch, at once. */
export async function activate(run: Run, action: ActionOf<'activate'>): Promise<Performed> {
  const { ledger, context } = run;
  const { policy, clock } = context;
  const { kid } = action;
  await assertCacheable(run, kid);
  await ledger.hold();
  await awaitCommands(run);
  // Somebody has set an outlet back since: the planner records that, and `publishAhead` starts again.
  if (!(await doOutletsHold(run))) return {};
  const unread = await unreadOutlets(run);
  if (unread.length > 0) return shut(run, kid, unread);
  // A key that can't be delivered does not hold up an incident's switch.
  const isCalm = replacementDeadline(run) === null;
  if (isCalm && !(await isDeliverable(run, kid, whatHolds(run, kid)))) return {};
  const signersAnswered = await doSignersAnswer(run);
  const answers = await acceptedTwice(run, kid);
  if (unconfirmed(answers).length > 0) return shut(run, kid, answers);
  const looked = clock.monotonic();
  ledger.tenure.assertTimeFor('the switch', 5_000);
  const { reloadsUntil } = ledger.tenure;
  await commit(run, (m, now) => {
    // This process was stopped and continued: there may be new instances. The planner comes back here and asks them.
    if (clock.monotonic() - looked > MOST_PAUSE) return null;
    const key = keyOf(m, kid);
    // If a `sync` has found the key missing since, `publishAhead` starts again.
    const isDue = key.state === 'pending' && mayActivate(m, key, policy, dueBy(now.at, offsetOf(run)));
    return isDue ? outcome(m, action, now, { signersAnswered }) : null;
  });
  const key = keyOf(ledger.known, kid);
  const isQuiet = key.state === 'active' && isQuietSince(reloadsUntil, key.activatedAt, policy);
  run.switched = isQuiet ? new Set() : null;
  // That problem was the former key's.
  forget(run, 'delivery');
  return {};
}

async function doOutletsHold(run: Run): Promise<boolean> {
  run.holdings = await observe(run.context, isHurried(run));
  return run.holdings.every((holding) => holding.kind !== 'publish' || holdsWanted(holding, run.ledger.known));
}

/** Outlets whose URL serves something else, each as an answer that does not confirm. */
async function unreadOutlets(run: Run): Promise<Answer[]> {
  const { context, ledger } = run;
  const time = timeFor(run, READ_BACK_DEADLINE, replacementDeadline(run));
  const served = await context.outlets.readBack(outletContent(ledger.known), time, context.signal, tellsOfWait(run));
  return served.map(({ outlet, reason }) => ({
    service: outlet,
    instance: outlet,
    confirmed: false,
    broke: false,
    reason,
    hint: null,
  }));
}

/** Asks verifiers; if some had to be waited for, polls all of them once more. */
async function acceptedTwice(run: Run, kid: string): Promise<Answer[]> {
  const began = run.context.clock.monotonic();
  const answers = await askVerifiers(run, kid);
  if (unconfirmed(answers).length > 0) return answers;
  const question = { services: askedOf(run, kid), wanted: wantedOf(run, kid) };
  return recheck(run, began, question, replacementDeadline(run));
}

function whatHolds(run: Run, kid: string, waiting: readonly Answer[] = []): string {
  const active = activeKey(run.ledger.known);
  if (active?.kid === kid) {
    // Who does not answer tells nothing, and rejects nobody's tokens.
    const isShown = waiting.some(({ answers }) => answers === true);
    return `that key signs already${isShown ? ', and its tokens are rejected where it is not accepted' : ''}`;
  }
  return active === null ? 'no key signs yet' : `v${active.version} ${active.kid} signs on`;
}

/** The gate stays shut: the old key signs on. */
async function shut(run: Run, kid: string, answers: readonly Answer[]): Promise<Performed> {
  const waiting = unconfirmed(answers);
  // When a leaked key is being replaced, the operator's deadline decides.
  if (replacementDeadline(run) !== null) {
    run.blocked.add('rollout');
    return {};
  }
  const message = `${waiting.length} of ${answers.length} did not confirm key ${kid}: ${describe(waiting)}; ${whatHolds(run, kid, waiting)}`;
  block(run, 'rollout', { message, hint: hintOf(waiting) });
  await commit(run, (m, { at }) => backedOff(m, describe(waiting), at));
  return {};
}
