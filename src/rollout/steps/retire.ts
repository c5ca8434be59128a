import type { Reason } from '../../keyset/action.js';
import type { Instant } from '../../keyset/clock.js';
import { JwtrotError } from '../../keyset/error.js';
import { retirementLookedAt, retirementSettled } from '../../keyset/incident.js';
import type { Key, RetireReason } from '../../keyset/model.js';
import { undropped } from '../../keyset/plan.js';
import { activeKey } from '../../keyset/projection.js';
import {
  backedOff,
  deletionOrdered,
  destroyed,
  dropped,
  keyOf,
  retired,
  stillSigning,
} from '../../keyset/transitions.js';
import { type ServicePort, verifies } from '../../services/service.js';
import type { Wanted } from '../../services/wanted.js';
import type { DeleteOptions } from '../../store/store.js';
import { type Answer, ask, describe, unconfirmed } from '../ask.js';
import { besides } from '../in-use.js';
import { reportedBySigners } from '../returned.js';
import { block, type Performed, patience, type Run } from '../run.js';
import { askTwice } from './publish-again.js';

/** How long verifiers are given to drop a key after an incident's deadline: its publication has ended by then. */
const GRACE = 5_000;

/** Out of the JWKS. An expired key first gets one look that no polled signer still reports it. */
export async function retire(run: Run, kid: string, reason: Reason): Promise<Performed> {
  const { ledger } = run;
  await ledger.hold();
  const incident = ledger.known.retirements.find((one) => one.kid === kid);
  if (incident === undefined && reason !== 'superseded') {
    const signer = (await reportedBySigners(run)).get(kid);
    if (signer !== undefined) {
      block(
        run,
        `key ${kid}`,
        `${signer} still signs with ${kid}, which was to be retired: it stays in the JWKS, and its time starts again`,
        `reload ${signer}`,
      );
      await ledger.commit((m, at) => stillSigning(m, kid, signer, at, run.context.policy));
      return {};
    }
  }
  const why: RetireReason = incident?.reason ?? (reason === 'superseded' || reason === 'failed' ? reason : 'expired');
  await ledger.commit((m, at) =>
    ['retired', 'destroyed'].includes(keyOf(m, kid).state) ? null : retired(m, kid, why, at),
  );
  return {};
}

/** Others that are asked in the same question: a service that is both is asked once. */
interface Also {
  readonly services: readonly ServicePort[];
  readonly wanted: Wanted;
}

/** Reloads verifiers that still list a retired key, and polls until it is gone from each. */
export async function confirmDrop(run: Run): Promise<Performed> {
  const { ledger, context } = run;
  await ledger.hold();
  const kids = undropped(ledger.known).map((key) => key.kid);
  const answers = await askTwice(run, () => askDropped(run, kids, patience(run, GRACE)));
  const waiting = unconfirmed(answers);
  if (waiting.length > 0) {
    const message = `${waiting.length} of ${answers.length} may still accept ${kids.join(', ')}: ${describe(waiting)}`;
    block(run, 'drop', message, waiting.find((answer) => answer.hint !== null)?.hint ?? null);
    const incident = kids.some((kid) => ledger.known.retirements.some((one) => one.kid === kid));
    if (!incident) await ledger.commit((m, at) => backedOff(m, message, at));
    return {};
  }
  const polled = context.services.some((port) => port.service.health !== null);
  const { jwksMaxAge, clockSkew } = context.policy;
  // Until then a slow reload may bring the key back to a signer, or a stale copy to a verifier.
  const quiet = ledger.reloadsUntil ?? 0;
  await ledger.commit((m, at) => {
    const gone = dropped(
      m,
      kids.filter((kid) => keyOf(m, kid).droppedAt === null),
      at,
    );
    return kids.reduce(
      (next, kid) =>
        polled
          ? retirementLookedAt(next, kid, Math.max(at + jwksMaxAge, quiet) + clockSkew)
          : retirementSettled(next, kid, at),
      gone,
    );
  });
  return { text: answers.length === 0 ? 'no verifier is listed' : `${answers.length} confirmed` };
}

/** Absence counts only where the list is there and holds the active kid. @param also what is asked of them, besides */
export function askDropped(
  run: Run,
  kids: readonly string[],
  until: Instant | null,
  also: Also = { services: [], wanted: {} },
): Promise<Answer[]> {
  const { known } = run.ledger;
  const activeKid = activeKey(known)?.kid;
  const incident = known.retirements.some((one) => kids.includes(one.kid));
  const verifiers = run.context.services.filter((port) => verifies(port.service));
  return ask(run, {
    services: [...new Set([...verifiers, ...also.services])],
    wanted: { ...besides(known), drops: kids, ...(activeKid === undefined ? {} : { activeKid }), ...also.wanted },
    reload: 'needed',
    until,
    pace: incident ? 'at-once' : 'waves',
  });
}

/** Orders the deletion; the store's recovery window is the grace. A key that never was published needs none. */
export async function deleteSecret(run: Run, kid: string, again: boolean): Promise<Performed> {
  const { ledger, context } = run;
  await ledger.hold();
  const key = keyOf(ledger.known, kid);
  try {
    const goneAt = await context.store.deleteKey(context.name, key.thumbprint, deletionOf(run, key));
    await ledger.commit((m, at) => deletionOrdered(m, kid, goneAt, again, at));
    return {};
  } catch (error) {
    // Verifiers are looked after all the same; the next run orders it again.
    if (!(error instanceof JwtrotError) || error.kind !== 'store') throw error;
    run.blocked.add(`key ${kid}`);
    run.problems.push({
      block: `key ${kid}`,
      message: error.message,
      hint: error.hint ?? null,
      kind: 'store',
      code: error.code,
    });
    return {};
  }
}

/** A key that nobody ever saw needs no grace. */
function deletionOf({ ledger, context }: Run, key: Key): DeleteOptions {
  const asked = ledger.known.retirements.find((one) => one.kid === key.kid);
  const neverUsed = key.publishedAt === null && key.signedFrom === null;
  return { recoveryWindowDays: context.policy.recoveryWindowDays, purge: asked?.purge === true || neverUsed };
}

/** A tombstone stays, so that the kid is never used again. */
export async function destroy(run: Run, kid: string): Promise<Performed> {
  const { ledger, context } = run;
  const key = keyOf(ledger.known, kid);
  if (key.hasPrivate && !(await context.store.isKeyGone(context.name, key.thumbprint))) {
    // The store takes its time; or a put that was in flight has landed since: then the deletion was not of it.
    run.blocked.add(`key ${kid}`);
    await context.store.deleteKey(context.name, key.thumbprint, deletionOf(run, key));
    return { text: 'the store has not forgotten it yet' };
  }
  await ledger.commit((m, at) => (keyOf(m, kid).state === 'retired' ? destroyed(m, kid, at) : null));
  return {};
}
