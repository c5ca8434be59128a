import { act, type Decision, type Found, isUrgent, type Known, type PlanInput, type Rule } from './action.js';
import { clockOffset, isAhead, isBehind } from './clock-trust.js';
import { isClockBehind } from './due.js';
import { incident, recordRetirement } from './incident-rules.js';
import { confirmDrop, deleteSecret, destroy, expire, lookAgain, recordPolicy } from './key-rules.js';
import { outletActions } from './outlet-plan.js';
import { clockRefusal, noKeyset, offsetRefusal, standingRefusal, unknownKeys } from './refusals.js';
import { rollBack } from './rollback.js';
import {
  confirmAgain,
  confirmLate,
  expedite,
  recover,
  refresh,
  refuseTooMany,
  resume,
  stage,
  startOver,
  supersede,
} from './rollout-rules.js';

/** The next thing to do. Pure: the same input, the same answer. */
export function decide(input: PlanInput): Decision {
  const found = next(input);
  if (found === null) return { type: 'nothing' };
  return 'code' in found ? { type: 'refused', refusal: found } : { type: 'action', action: found };
}

/** The rules in the order of DESIGN.md section 3: the first that finds something to do, or refuses, decides. */
function next(input: PlanInput): Found {
  if (input.manifest === null) return first(input);
  const known: Known = { ...input, manifest: input.manifest };
  for (const rule of isUrgent(input.request) ? URGENT : RULES) {
    const found = rule(known);
    if (found !== null) return found;
  }
  return null;
}

function first(input: PlanInput): Found {
  if (isUrgent(input.request) || input.request.retire !== null) return noKeyset(input);
  return unknownKeys(input) ?? refuseOffset(input) ?? act('generate', null, 'first-key');
}

/** What an incident or the way back needs, and what a wrong clock does not forbid. */
const URGENT: readonly Rule[] = [
  standingRefusal,
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
  lookAgain,
];

const RULES: readonly Rule[] = [
  ...URGENT,
  refuseClock,
  confirmAgain,
  confirmLate,
  startOver,
  supersede,
  stage,
  expire,
  destroy,
  recordPolicy,
  // Last: what expires may make room.
  refuseTooMany,
];

function takeOver({ manifest, observations: { host }, request }: Known): Found {
  if (!host.bound || manifest.host?.id === host.id || manifest.host === null) return null;
  return request.takeOver ? act('take-over', null, 'asked') : null;
}

function acceptClock({ manifest, policy, now, request }: Known): Found {
  return request.acceptClock && isClockBehind(manifest, policy, now) ? act('accept-clock', null, 'asked') : null;
}

/** Below this rule is what a wrong clock must not decide. */
function refuseClock(known: Known): Found {
  const { manifest, policy, now } = known;
  const { clockBehind, clockOffset: offset } = known.observations;
  // Its own commits are the newest events by now: that they are not ahead of it says nothing.
  const behind = clockBehind !== undefined && !known.request.acceptClock;
  if (behind || isClockBehind(manifest, policy, now)) return clockRefusal(manifest, now, offset, clockBehind);
  return refuseOffset(known);
}

function refuseOffset(input: PlanInput): Found {
  const offset = clockOffset(input);
  return isAhead(offset) || isBehind(offset) ? offsetRefusal(input.keyset, input.now, offset ?? 0) : null;
}
