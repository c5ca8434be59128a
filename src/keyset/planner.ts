import type { Action, Decision, Found, Known, PlanInput } from './action.js';
import type { Instant } from './clock.js';
import { activateDueAt, isBackingOff, isClockBehind, stageDueAt, verifiesUntil } from './due.js';
import { activeKeyBeingRetired, fallbackKey, isBeingRetired, isInUse } from './incident.js';
import type { Key, Retirement } from './model.js';
import { outletActions } from './outlet-plan.js';
import { activeKey, publishedKeys } from './projection.js';
import { clockRefusal, standingRefusal, tooManyKeys, unknownKeys } from './refusals.js';

function act(type: Action['type'], kid: string | null, reason: Action['reason']): Action {
  return { type, kid, reason };
}

/** The next thing to do. Pure: the same input, the same answer. */
export function decide(input: PlanInput): Decision {
  const found = next(input);
  if (found === null) return { type: 'nothing' };
  return 'code' in found ? { type: 'refused', refusal: found } : { type: 'action', action: found };
}

/** The rules in the order of DESIGN.md section 3: the first that finds something to do, or refuses, decides. */
function next(input: PlanInput): Found {
  if (input.manifest === null) return unknownKeys(input) ?? act('generate', null, 'first-key');
  const known: Known = { ...input, manifest: input.manifest };
  for (const rule of input.request.incidentOnly ? URGENT : RULES) {
    const found = rule(known);
    if (found !== null) return found;
  }
  return null;
}

type Rule = (known: Known) => Found;

/** What an incident needs, and what a wrong clock does not forbid. */
const URGENT: readonly Rule[] = [
  standingRefusal,
  takeOver,
  acceptClock,
  recordRetirement,
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

const RULES: readonly Rule[] = [...URGENT, refuseClock, startOver, supersede, stage, expire, destroy, recordPolicy];

function takeOver({ manifest, observations: { host }, request }: Known): Found {
  if (!host.bound || manifest.host?.id === host.id || manifest.host === null) return null;
  return request.takeOver ? act('take-over', null, 'asked') : null;
}

function acceptClock({ manifest, policy, now, request }: Known): Found {
  return request.acceptClock && isClockBehind(manifest, policy, now) ? act('accept-clock', null, 'asked') : null;
}

function recordRetirement({ request }: Known): Found {
  return request.retire === null ? null : act('record-retirement', request.retire.kid, 'asked');
}

/** A key that a killed run left between intent and effect. */
function recover({ manifest }: Known): Found {
  const key = manifest.keys.find((one) => one.state === 'creating');
  return key === undefined ? null : act('recover', key.kid, 'interrupted');
}

function passed(retirement: Retirement, now: Instant): boolean {
  return now >= retirement.deadlineAt;
}

/** A recorded `retire`: what can be done about it by a commit alone. Outlets and services follow by the other rules. */
function incident(known: Known): Found {
  const { manifest, now, blocked } = known;
  const active = activeKeyBeingRetired(manifest);
  if (active !== null) {
    const pending = manifest.keys.find((key) => key.state === 'pending');
    if (passed(active, now)) return replaceAtDeadline(known, pending);
    const stuck = blocked.has('rollout') || blocked.has('outlets') || blocked.has('generate');
    if (stuck) return act('await-deadline', active.kid, 'compromised');
    return pending === undefined ? act('generate', null, 'compromised') : null;
  }
  for (const retirement of manifest.retirements) {
    const key = manifest.keys.find((one) => one.kid === retirement.kid);
    if (key === undefined || key.state !== 'deprecated') continue;
    // While signers are on their way off it, it stays, until the deadline or until waiting has proved vain.
    if (isInUse(manifest, key) && !passed(retirement, now) && !blocked.has('rollout') && !blocked.has('outlets'))
      continue;
    return act('retire', key.kid, 'compromised');
  }
  return null;
}

function replaceAtDeadline({ manifest, blocked }: Known, pending: Key | undefined): Found {
  if (pending !== undefined) return act('replace-at-deadline', pending.kid, 'deadline-passed');
  // Not tried yet: this run took the incident up after its deadline. Making a key waits for no service.
  if (!blocked.has('generate')) return act('generate', null, 'compromised');
  const fallback = fallbackKey(manifest);
  if (fallback !== null) return act('replace-at-deadline', fallback.kid, 'deadline-passed');
  const active = activeKey(manifest);
  return {
    code: 'only-key',
    message: `no replacement could be made, and ${active?.kid} is the only key of keyset ${manifest.name}: it stays in the JWKS and goes on signing`,
    hint: `when the store and KMS answer again: jwtrot retire --kid ${active?.kid}; to publish without any key: add --no-replacement`,
  };
}

function expedite({ manifest, request, now }: Known): Found {
  const rollout = manifest.rollout;
  if (rollout === null || rollout.direction === 'back' || rollout.phase === 'switch') return null;
  const asked = (request.force && !rollout.forced) || (request.immediate && !rollout.immediate);
  const waiting = request.force && isBackingOff(manifest, now);
  return asked || waiting ? act('expedite', rollout.kid, 'forced') : null;
}

/** A rollout under way, from its phase. Back-off holds it, an operator's `--force` or an incident does not wait. */
function resume(known: Known): Found {
  const { manifest, policy, now, request, blocked } = known;
  const rollout = manifest.rollout;
  if (rollout === null || blocked.has('rollout') || blocked.has('outlets')) return null;
  const urgent = request.force || manifest.retirements.length > 0;
  if (isBackingOff(manifest, now) && !urgent) return null;
  if (rollout.phase === 'switch') {
    return act(
      'confirm-signers',
      activeKey(manifest)?.kid ?? null,
      rollout.direction === 'back' ? 'rolled-back' : 'switched',
    );
  }
  const key = manifest.keys.find((one) => one.kid === rollout.kid);
  if (key === undefined || key.state !== 'pending') return null;
  // With the wrong algorithm it is never going to sign: `supersede` comes first.
  if (isSuperseded(known, key)) return null;
  if (key.confirmedAt === null) return act('confirm-verifiers', key.kid, 'new-key');
  return now >= activateDueAt(manifest, key, policy) ? act('activate', key.kid, 'published-long-enough') : null;
}

function refresh({ manifest, now, blocked, request }: Known): Found {
  if (manifest.refresh === null || blocked.has('refresh') || blocked.has('outlets')) return null;
  if (isBackingOff(manifest, now) && !request.force) return null;
  // The switch reloads the signers anyway.
  return act('refresh-services', null, 'outlets-differ');
}

/** At once: the store's recovery window is the grace. Again, when a put may have been in flight at the first time. */
function deleteSecret({ manifest, now, blocked }: Known): Found {
  for (const key of manifest.keys) {
    if (key.state !== 'retired' || !key.hasPrivate || blocked.has(`key ${key.kid}`)) continue;
    if (key.goneAt === null) return act('delete-secret', key.kid, 'retired');
    if (key.deleteAgainAt !== null && now >= key.deleteAgainAt) return act('delete-secret', key.kid, 'put-in-flight');
  }
  return null;
}

function confirmDrop({ manifest, now, blocked, request }: Known): Found {
  if (blocked.has('drop') || blocked.has('outlets')) return null;
  const waiting = manifest.keys.filter((key) => key.state === 'retired' && key.droppedAt === null);
  const first = waiting[0];
  if (first === undefined) return null;
  const urgent = request.force || waiting.some((key) => isBeingRetired(manifest, key.kid));
  if (isBackingOff(manifest, now) && !urgent) return null;
  return act('confirm-drop', first.kid, 'key-dropped');
}

/** After an incident a verifier may have restarted on a stale read: the first run after `jwksMaxAge` looks again. */
function lookAgain({ manifest, now, blocked }: Known): Found {
  if (blocked.has('look-again')) return null;
  const due = manifest.retirements.find((one) => one.checkAgainAt !== null && now >= one.checkAgainAt);
  return due === undefined ? null : act('look-again', due.kid, 'key-dropped');
}

/** Below this rule is what a wrong clock must not decide. */
function refuseClock({ manifest, policy, now }: Known): Found {
  return isClockBehind(manifest, policy, now) ? clockRefusal(manifest, now) : null;
}

function startOver({ manifest, now, request, blocked }: Known): Found {
  if (activeKey(manifest) !== null || manifest.rollout !== null || blocked.has('generate')) return null;
  if (isBackingOff(manifest, now) && !request.force) return null;
  return act('generate', null, manifest.keys.some((key) => key.signedFrom !== null) ? 'no-active-key' : 'first-key');
}

function isSuperseded({ manifest, policy, request }: Known, pending: Key): boolean {
  return request.changeAlg && activeKey(manifest) !== null && pending.alg !== policy.alg;
}

function supersede(known: Known): Found {
  const pending = known.manifest.keys.find((key) => key.state === 'pending');
  return pending !== undefined && isSuperseded(known, pending) ? act('retire', pending.kid, 'superseded') : null;
}

function stage({ manifest, policy, now, request, blocked }: Known): Found {
  const active = activeKey(manifest);
  if (active === null || manifest.rollout !== null || blocked.has('generate')) return null;
  if (isBackingOff(manifest, now) && !request.force) return null;
  const changing = request.changeAlg && active.alg !== policy.alg;
  if (!changing && !request.force && now < stageDueAt(active, policy)) return null;
  const count = publishedKeys(manifest).length;
  if (count + 1 > policy.maxKeys) return tooManyKeys(manifest, policy, count);
  return act('generate', null, changing ? 'algorithm-changed' : request.force ? 'forced' : 'age');
}

function expire({ manifest, policy, now, blocked }: Known): Found {
  const key = manifest.keys.find(
    (one) => one.state === 'deprecated' && now >= verifiesUntil(one, policy) && !blocked.has(`key ${one.kid}`),
  );
  return key === undefined ? null : act('retire', key.kid, key.reason ?? 'expired');
}

function destroy({ manifest, now, blocked }: Known): Found {
  const key = manifest.keys.find(
    (one) =>
      one.state === 'retired' &&
      !blocked.has(`key ${one.kid}`) &&
      one.deleteAgainAt === null &&
      (one.hasPrivate ? one.goneAt !== null && now >= one.goneAt : one.droppedAt !== null) &&
      !isBeingRetired(manifest, one.kid),
  );
  return key === undefined ? null : act('destroy', key.kid, 'window-over');
}

function recordPolicy({ manifest, policy }: Known): Found {
  const active = activeKey(manifest);
  if (active === null) return null;
  const longer = active.maxTokenTtl < policy.maxTokenTtl || active.verifyFor < policy.verifyFor;
  return longer ? act('record-policy', active.kid, 'policy-longer') : null;
}
