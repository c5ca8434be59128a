import { isAhead, isBehind } from '../questions/clock-trust.js';
import { isClockBehind } from '../questions/due.js';
import { type Decision, type Found, isUrgent, type Known, type PlanInput, type Rule } from './action.js';
import { clockOffset } from './clock.js';
import { ELSEWHERE } from './elsewhere.js';
import { generate } from './generation.js';
import { awaitHeld, incident, recordRetirement } from './incident-rules.js';
import { confirmDrop, deleteSecret, destroy, expire, recheckDrop, recordPolicy } from './key-rules.js';
import { outletActions } from './outlet-rules.js';
import { clockRefusal, noKeyset, offsetRefusal, standingRefusal, unknownKeys } from './refusals.js';
import { rollBack } from './rollback.js';
import {
  confirmAgain,
  confirmLate,
  expedite,
  recover,
  refresh,
  refreshLate,
  refuseTooMany,
  resume,
  stage,
  startOver,
  supersede,
} from './rollout-rules.js';

/** Decides the next action. Pure: the same input gives the same answer. */
export function decide(input: PlanInput): Decision {
  const found = next(input);
  if (found === null) return { type: 'nothing' };
  return 'code' in found ? { type: 'refused', refusal: found } : { type: 'action', action: found };
}

/** Tries the rules in the order of docs/design.md, section 3. The first that acts or refuses decides. */
function next(input: PlanInput): Found {
  if (input.manifest === null) return first(input);
  const known: Known = { ...input, manifest: input.manifest };
  for (const rule of rulesFor(input)) {
    const found = rule(known);
    if (found !== null) return found;
  }
  return null;
}

function rulesFor({ observations, request }: PlanInput): readonly Rule[] {
  if (observations.otherHistory === true) return ELSEWHERE;
  return isUrgent(request) ? URGENT : RULES;
}

function first(input: PlanInput): Found {
  // This host knows the keyset and the store has lost it: `retire` still takes the key out.
  if (input.observations.otherHistory === true && input.request.retire !== null) return recordRetirement(input);
  if (isUrgent(input.request) || input.request.retire !== null) return noKeyset(input);
  return unknownKeys(input) ?? refuseOffset(input) ?? generate(input, 'first-key');
}

/** What an incident or a rollback needs. A wrong clock does not forbid these. */
const URGENT: readonly Rule[] = [
  refuseStanding,
  takeOver,
  acceptClock,
  recordRetirement,
  rollBack,
  recover,
  incident,
  outletActions,
  expedite,
  resume,
  refresh,
  deleteSecret,
  confirmDrop,
  recheckDrop,
  awaitHeld,
];

const RULES: readonly Rule[] = [
  ...URGENT,
  refuseClock,
  confirmAgain,
  confirmLate,
  refreshLate,
  startOver,
  supersede,
  stage,
  expire,
  destroy,
  recordPolicy,
  // Last, since an expiry may make room.
  refuseTooMany,
];

/** An unknown key stops everything but an incident's recheck, which writes no outlet. */
function refuseStanding(known: Known): Found {
  const refusal = standingRefusal(known);
  return refusal?.code === 'unknown-keys' ? (recheckDrop(known) ?? refusal) : refusal;
}

function takeOver({ manifest, observations: { host }, request }: Known): Found {
  if (!host.bound || manifest.host?.id === host.id || manifest.host === null) return null;
  return request.takeOver
    ? { type: 'take-over', host: { id: host.id, hostname: host.hostname }, reason: 'asked' }
    : null;
}

function acceptClock({ manifest, policy, now, request }: Known): Found {
  return request.acceptClock && isClockBehind(manifest, policy, now) ? { type: 'accept-clock', reason: 'asked' } : null;
}

/** A wrong clock must not decide any rule below this one. */
function refuseClock(known: Known): Found {
  const { manifest, policy, now } = known;
  const { clockBehind, clockOffset: offset } = known.observations;
  // This run's own commits may be the newest events by now, so comparing with them proves nothing.
  const behind = clockBehind !== undefined && !known.request.acceptClock;
  if (behind || isClockBehind(manifest, policy, now)) return clockRefusal(manifest, now, offset, clockBehind);
  return refuseOffset(known);
}

function refuseOffset(input: PlanInput): Found {
  const offset = clockOffset(input);
  return isAhead(offset) || isBehind(offset) ? offsetRefusal(input.keyset, input.now, offset ?? 0) : null;
}
