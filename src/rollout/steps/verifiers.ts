import type { Instant } from '../../keyset/clock.js';
import { dueBy } from '../../keyset/clock-trust.js';
import { mayActivate } from '../../keyset/due.js';
import { activeKeyBeingRetired } from '../../keyset/incident.js';
import type { Manifest } from '../../keyset/model.js';
import { holdsWanted } from '../../keyset/outlet-plan.js';
import { activeKey, outletContent } from '../../keyset/projection.js';
import { acceptedNow, activated, backedOff, keyOf, lookedAt, verifiersConfirmed } from '../../keyset/transitions.js';
import { verifies } from '../../services/service.js';
import type { Wanted } from '../../services/wanted.js';
import { doSignersAnswer } from '../answering.js';
import { type Answer, ask, describe, lookOnceMore, unconfirmed } from '../ask.js';
import { assertCacheable } from '../caching.js';
import { offsetOf } from '../clock-trust.js';
import { besides } from '../in-use.js';
import { READ_BACK_DEADLINE } from '../limit.js';
import { observe } from '../observe.js';
import { block, type Performed, type Run, timeFor } from '../run.js';
import { askTwice } from './publish-again.js';

/** Between the gate's last look and the switch. */
const MOST_PAUSE = 15_000;

function verifiersOf(run: Run) {
  return run.context.services.filter((port) => verifies(port.service));
}

/** Only a leaked key's replacement is in a hurry: another new key is waited for, whatever is being dropped meanwhile. */
function replacementDeadline(manifest: Manifest): Instant | null {
  return activeKeyBeingRetired(manifest)?.deadlineAt ?? null;
}

function askVerifiers(run: Run, kid: string): Promise<Answer[]> {
  const until = replacementDeadline(run.ledger.known);
  return ask(run, { services: verifiersOf(run), wanted: wantedOf(run, kid), reload: 'needed', until });
}

/** A set that holds the new key holds those before it. */
function wantedOf({ ledger }: Run, kid: string): Wanted {
  const { accepts, ...other } = besides(ledger.known);
  return { ...other, accepts: accepts.includes(kid) ? accepts : [kid] };
}

/** Reloads each verifier that does not report the new kid, and polls until it does. */
export async function confirmVerifiers(run: Run, kid: string): Promise<Performed> {
  const { ledger } = run;
  await ledger.hold();
  const answers = await askTwice(run, () => askVerifiers(run, kid));
  if (unconfirmed(answers).length > 0) return shut(run, kid, answers);
  await ledger.commit((m, at) => {
    const { state, publishedAt } = keyOf(m, kid);
    if (state === 'active' || state === 'deprecated') return lookedAt(m, kid, at);
    return state === 'pending' && publishedAt !== null ? verifiersConfirmed(m, kid, at) : null;
  });
  return { text: answers.length === 0 ? 'no verifier is listed' : `${answers.length} confirmed` };
}

/** The gate: outlets still hold the key, every verifier still accepts it; then the switch, at once. */
export async function activate(run: Run, kid: string): Promise<Performed> {
  const { ledger, context } = run;
  await assertCacheable(run, kid);
  await ledger.hold();
  run.holdings = await observe(context);
  // Somebody set an outlet back since: the planner notes it, and `publishAhead` starts anew.
  if (run.holdings.some((holding) => holding.kind === 'publish' && !holdsWanted(holding, ledger.known))) return {};
  const served = await context.outlets.readBack(
    outletContent(ledger.known),
    timeFor(run, READ_BACK_DEADLINE, replacementDeadline(ledger.known)),
    context.signal,
  );
  if (served.length > 0) {
    const missing = served.map(({ outlet, reason }) => ({
      service: outlet,
      instance: outlet,
      confirmed: false,
      broke: false,
      reason,
      hint: null,
    }));
    return shut(run, kid, missing);
  }
  const signersAnswered = await doSignersAnswer(run);
  const began = context.clock.monotonic();
  const answers = await askVerifiers(run, kid);
  if (unconfirmed(answers).length > 0) return shut(run, kid, answers);
  const by = replacementDeadline(ledger.known);
  const last = await lookOnceMore(run, began, verifiersOf(run), wantedOf(run, kid), by);
  if (unconfirmed(last).length > 0) return shut(run, kid, last);
  const looked = context.clock.monotonic();
  ledger.assertTimeFor('the switch', 5_000);
  const earlier = ledger.reloadsUntil ?? 0;
  await ledger.commit((m, at) => {
    // Stopped and continued: other instances may be there by now. The planner comes back here, and they are asked.
    if (context.clock.monotonic() - looked > MOST_PAUSE) return null;
    const key = keyOf(m, kid);
    // A `sync` may have found it missing since: `publishAhead` starts anew.
    const isDue = key.state === 'pending' && mayActivate(m, key, context.policy, dueBy(at, offsetOf(run)));
    // A reload that was ordered before may yet read the new key.
    run.switched = isDue && earlier + context.policy.clockSkew < at ? new Set() : null;
    return isDue ? activated(acceptedNow(m, kid, at), kid, context.policy, at, signersAnswered) : null;
  });
  return {};
}

function whatHolds(run: Run, kid: string): string {
  const active = activeKey(run.ledger.known);
  if (active?.kid === kid) return 'it is the active key: its tokens are rejected there';
  return active === null ? 'no key signs yet' : `v${active.version} ${active.kid} signs on`;
}

/** The gate stays shut: the old key signs on. */
async function shut(run: Run, kid: string, answers: readonly Answer[]): Promise<Performed> {
  const waiting = unconfirmed(answers);
  // Where a leaked key is to be replaced, the operator's deadline decides, not this.
  if (replacementDeadline(run.ledger.known) !== null) {
    run.blocked.add('rollout');
    return {};
  }
  const message = `${waiting.length} of ${answers.length} did not confirm key ${kid}: ${describe(waiting)}; ${whatHolds(run, kid)}`;
  block(run, 'rollout', message, waiting.find((answer) => answer.hint !== null)?.hint ?? null);
  await run.ledger.commit((m, at) => backedOff(m, describe(waiting), at));
  return {};
}
