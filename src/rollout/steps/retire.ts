import type { Instant } from '../../keyset/basics/clock.js';
import { JwtrotError } from '../../keyset/basics/error.js';
import type { Key } from '../../keyset/manifest/key.js';
import { isRetired } from '../../keyset/manifest/states.js';
import type { ActionOf } from '../../keyset/planning/action.js';
import { holdsRetiring } from '../../keyset/planning/elsewhere.js';
import { outcome } from '../../keyset/planning/outcome.js';
import { dueBy } from '../../keyset/questions/clock-trust.js';
import { incidentDeadline } from '../../keyset/questions/incidents.js';
import { activeKey } from '../../keyset/questions/keys.js';
import { dropRecheckAt } from '../../keyset/questions/slow-reload.js';
import { backedOff, keyOf, stillSigning } from '../../keyset/transitions/all.js';
import { type ServicePort, verifies } from '../../services/service.js';
import type { Wanted } from '../../services/wanted.js';
import type { DeleteOptions } from '../../store/store.js';
import { type Answer, ask, describe, hintOf, type Question, unconfirmed } from '../ask.js';
import { offsetOf } from '../clock-trust.js';
import { besides } from '../in-use.js';
import { reportedBySigners } from '../returned.js';
import { block, commit, isHurried, type Performed, patience, type Run } from '../run.js';
import { forget } from './outlet-problems.js';
import { askTwice } from './publish-again.js';

/** How long verifiers get to drop a key after an incident's deadline. Its publication has already ended then. */
const GRACE = 5_000;

/** Takes a key out of the JWKS. For an expired key, polled signers are asked first: none may still report it. */
export async function retire(run: Run, action: ActionOf<'retire'>): Promise<Performed> {
  const { ledger } = run;
  const { kid, asksSigners } = action;
  await ledger.hold();
  if (asksSigners) {
    const signer = (await reportedBySigners(run)).get(kid);
    if (signer !== undefined) {
      const message = `${signer} still signs with ${kid}, which was to be retired: it stays in the JWKS, and its time starts again`;
      block(run, `key ${kid}`, { message, hint: `reload ${signer}` });
      await commit(run, (m, now) => stillSigning(m, { kid, signer }, now));
      return {};
    }
  }
  await commit(run, (m, now) => (isRetired(keyOf(m, kid)) ? null : outcome(m, action, now, null)));
  // The key must leave every outlet that can be written, even if one of them has failed before: a signer's, for example.
  if (isHurried(run)) forget(run, 'outlets');
  return {};
}

/** Further services in the same question: so a service of role `both` is asked once. */
interface Also {
  readonly services: readonly ServicePort[];
  readonly wanted: Wanted;
}

/** Reloads verifiers that still list a retired key, and polls until it is gone from each. */
export async function confirmDrop(run: Run, action: ActionOf<'confirm-drop'>): Promise<Performed> {
  const { ledger, context } = run;
  const { kids } = action;
  await ledger.hold();
  // An outlet that is held up is retried soon, and verifiers are asked again after that: keep this wait short.
  const closing = run.closing ?? Number.POSITIVE_INFINITY;
  const until = run.blocked.has('held') ? Math.min(context.clock.now() + GRACE, closing) : patience(run, GRACE);
  const answers = await askTwice(run, () => askDropped(run, kids, until));
  const waiting = unconfirmed(answers);
  if (waiting.length > 0) {
    const message = `${waiting.length} of ${answers.length} may still accept ${kids.join(', ')}: ${describe(waiting)}`;
    block(run, 'drop', { message, hint: hintOf(waiting) });
    const incident = kids.some((kid) => ledger.known.retirements.some((one) => one.kid === kid));
    if (!incident) await commit(run, (m, { at }) => backedOff(m, message, at));
    return {};
  }
  // A held-up outlet is retried, and one that still holds the key may hand it out: verifiers are asked again after that.
  if (isHeldUp(run) || run.holdings.some((holding) => holdsRetiring(holding, ledger.known))) {
    run.blocked.add('drop');
    return {};
  }
  const polled = context.services.some((port) => port.service.health !== null);
  const { reloadsUntil } = ledger.tenure;
  await commit(run, (m, now) => {
    const checkAgainAt = polled ? dropRecheckAt(now.at, reloadsUntil, now.policy) : null;
    return outcome(m, action, now, { checkAgainAt });
  });
  return { text: answers.length === 0 ? 'no verifier is listed' : `${answers.length} confirmed` };
}

function isHeldUp({ blocked, ledger, context }: Run): boolean {
  const deadline = incidentDeadline(ledger.known);
  return blocked.has('held') && deadline !== null && context.clock.now() < deadline;
}

/** Asks for the absence of `kids`. It counts only in a list that holds the active kid. @param also asked with it */
export function askDropped(
  run: Run,
  kids: readonly string[],
  until: Instant | null,
  also: Also = { services: [], wanted: {} },
): Promise<Answer[]> {
  const { known } = run.ledger;
  // Services may never have heard of the active key of another history.
  const activeKid = run.ledger.history.other === null ? activeKey(known)?.kid : undefined;
  const incident = known.retirements.some((one) => kids.includes(one.kid));
  const verifiers = run.context.services.filter((port) => verifies(port.service));
  return ask(run, {
    services: [...new Set([...verifiers, ...also.services])],
    wanted: { ...besides(known), drops: kids, ...(activeKid === undefined ? {} : { activeKid }), ...also.wanted },
    reload: reloadFor(run, kids, verifiers),
    until,
    pace: incident ? 'at-once' : 'waves',
  });
}

/** No canary of a key can be signed once its private half is gone. What `retire` can do then is reload who needs one. */
function reloadFor(run: Run, kids: readonly string[], verifiers: readonly ServicePort[]): Question['reload'] {
  const blind = verifiers.filter(({ service }) => service.health?.type === 'canary').map(({ service }) => service.name);
  const gone = kids.filter((kid) => isGone(keyOf(run.ledger.known, kid)));
  if (run.closing === null || gone.length === 0 || blind.length === 0) return 'needed';
  const text = `${blind.join(', ')}: reloaded whatever it accepts, since no canary of ${gone.join(', ')} can be signed`;
  run.context.report({ type: 'note', keyset: run.context.name, level: 'info', text });
  return (service) => (blind.includes(service) ? 'always' : 'needed');
}

function isGone(key: Key): boolean {
  return key.state === 'destroyed' || !key.hasPrivate || key.goneAt !== null;
}

/** Orders the secret's deletion. The store's recovery window is the grace period. */
export async function deleteSecret(run: Run, action: ActionOf<'delete-secret'>): Promise<Performed> {
  const { ledger, context } = run;
  const { kid, again } = action;
  await ledger.hold();
  const key = keyOf(ledger.known, kid);
  const isLast = again || dueBy(context.clock.now(), offsetOf(run)) >= (key.deleteAgainAt ?? 0);
  try {
    const goneAt = await context.store.deleteKey(context.name, key.thumbprint, deletionOf(run, key));
    await commit(run, (m, now) => outcome(m, action, now, { goneAt, isLast }));
    return {};
  } catch (error) {
    // Verifiers must still drop the key; the next run orders the deletion again.
    if (!(error instanceof JwtrotError) || error.kind !== 'store') throw error;
    run.blocked.add(`key ${kid}`);
    const { message, hint = null, kind, code } = error;
    run.problems.push({ block: `key ${kid}`, message, hint, kind, code });
    return {};
  }
}

/** A key that was never published or used needs no grace period. */
function deletionOf({ ledger, context }: Run, key: Key): DeleteOptions {
  const asked = ledger.known.retirements.find((one) => one.kid === key.kid);
  const neverUsed = key.publishedAt === null && key.signedFrom === null;
  return { recoveryWindowDays: context.policy.recoveryWindowDays, purge: asked?.purge === true || neverUsed };
}

/** Marks a key destroyed once the store has forgotten its secret. A tombstone stays, so that the kid is never reused. */
export async function destroy(run: Run, action: ActionOf<'destroy'>): Promise<Performed> {
  const { ledger, context } = run;
  const { kid } = action;
  const key = keyOf(ledger.known, kid);
  if (key.hasPrivate && !(await context.store.isKeyGone(context.name, key.thumbprint))) {
    // The store has not deleted it yet; or a put that was in flight has landed since, after the deletion was ordered.
    run.blocked.add(`key ${kid}`);
    await context.store.deleteKey(context.name, key.thumbprint, deletionOf(run, key));
    return { text: 'the store has not forgotten it yet' };
  }
  await commit(run, (m, now) => (keyOf(m, kid).state === 'retired' ? outcome(m, action, now, null) : null));
  return {};
}
