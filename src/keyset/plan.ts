import type { Action, PlanInput, Refusal, Request } from './action.js';
import { adopted, isBeingAdopted } from './adoption.js';
import { replacedAtDeadline, retirementLookedAt, retirementRecorded, retirementSettled } from './incident.js';
import type { Key, Manifest } from './model.js';
import { unexplained } from './outlet-plan.js';
import { decide } from './planner.js';
import { activeKey, type Holding, wantedKeys } from './projection.js';
import { rolledBackByHand } from './rollback.js';
import * as t from './transitions.js';

/** The whole list, as a run in which everything confirms would carry it out. */
export interface Plan {
  readonly actions: readonly Action[];
  readonly refusal: Refusal | null;
}

/** Stands for the key that `generate` is going to make. */
export const NEW_KID = '(new)';

const MOST_ACTIONS = 200;

/** Decides again and again, each time from what the action before is expected to lead to. Pure. */
export function plan(input: PlanInput): Plan {
  const actions: Action[] = [];
  let state = input;
  while (actions.length < MOST_ACTIONS) {
    const decision = decide(state);
    if (decision.type === 'nothing') return { actions, refusal: null };
    if (decision.type === 'refused') return { actions, refusal: decision.refusal };
    actions.push(decision.action);
    state = predict(state, decision.action);
  }
  throw new Error(
    `the plan for keyset ${input.keyset} does not end: ${actions
      .slice(-4)
      .map((one) => one.type)
      .join(', ')}`,
  );
}

/** What an operator asked is done once. */
export function consume(request: Request, action: Action): Request {
  if (action.type === 'record-retirement') return { ...request, retire: null };
  const isSwitch = action.type === 'confirm-signers' && action.reason !== 'interrupted';
  if (action.type === 'generate' || action.type === 'expedite' || isSwitch) {
    return { ...request, force: false, immediate: false, changeAlg: action.type !== 'generate' && request.changeAlg };
  }
  return request;
}

function predict(input: PlanInput, action: Action): PlanInput {
  const manifest = effect(input, action);
  const holdings =
    action.type === 'write-outlets' ? written(manifest, input.observations.holdings) : input.observations.holdings;
  return {
    ...input,
    manifest,
    observations: { ...input.observations, holdings },
    request: consume(input.request, action),
  };
}

/** The manifest after the action, if all goes well: the same transitions that a run commits. */
function effect({ manifest, keyset, policy, now, request, observations }: PlanInput, action: Action): Manifest {
  const from = manifest ?? t.emptyManifest(keyset);
  const kid = action.kid ?? '';
  switch (action.type) {
    case 'take-over':
      return t.hostTaken(from, observations.host, now);
    case 'accept-clock':
      return t.clockAccepted(from, now);
    case 'record-retirement':
      return request.retire === null ? from : retirementRecorded(from, request.retire, now, now);
    case 'roll-back':
      return rolledBackByHand(from, policy, now, now);
    case 'generate':
      return generated(from, action, { policy, now, request });
    case 'recover':
      if (isBeingAdopted(t.keyOf(from, kid))) return adopted(from, kid, policy, now);
      return from.rollout?.kid === kid ? t.stored(from, kid, now) : t.givenUp(from, kid, now, now);
    case 'expedite':
      return t.expedited(from, request, now);
    case 'note-outlets':
      return t.outletsFound(from, unexplained(from, observations.holdings), now);
    case 'write-outlets':
      return t.published(from, now);
    case 'refresh-services':
      return t.refreshed(from, now);
    case 'confirm-verifiers':
      return t.keyOf(from, kid).state !== 'pending' ? t.lookedAt(from, kid, now) : t.verifiersConfirmed(from, kid, now);
    case 'activate':
      return t.activated(t.acceptedNow(from, kid, now), kid, policy, now);
    case 'confirm-signers':
      return action.reason === 'interrupted'
        ? t.clocksStarted(from, policy, now)
        : t.signersConfirmed(from, policy, null, now);
    case 'await-deadline':
      return from;
    case 'replace-at-deadline': {
      const retirement = from.retirements.find((one) => one.kid === activeKey(from)?.kid);
      return retirement === undefined ? from : replacedAtDeadline(from, kid, retirement, policy, now);
    }
    case 'retire':
      return t.retired(from, kid, 'expired', now);
    case 'confirm-drop':
      return droppedAll(from, now);
    case 'look-again':
      return retirementSettled(from, kid, now);
    case 'delete-secret':
      return t.deletionOrdered(from, kid, Number.POSITIVE_INFINITY, true, now);
    case 'destroy':
      return t.destroyed(from, kid, now);
    case 'record-policy':
      return t.policyRecorded(from, kid, policy, now);
  }
}

function generated(
  from: Manifest,
  action: Action,
  { policy, now, request }: Pick<PlanInput, 'policy' | 'now' | 'request'>,
): Manifest {
  const active = activeKey(from);
  const key = {
    kid: NEW_KID,
    thumbprint: NEW_KID,
    alg: active === null || request.changeAlg ? policy.alg : active.alg,
    publicJwk: { kty: 'OKP', crv: '', x: '' },
    hasPrivate: true,
  } as const;
  return t.stored(t.stage(from, key, stageOptions(from, action, request), now), NEW_KID, now);
}

/** An incident's replacement waits for nothing but the gate, and never goes back. */
export function stageOptions(manifest: Manifest, action: Action, request: Request): t.StageOptions {
  const urgent = action.reason === 'compromised';
  return {
    forced: urgent || request.force || request.immediate || request.changeAlg,
    immediate: urgent || request.immediate,
    former: urgent ? null : (activeKey(manifest)?.kid ?? null),
  };
}

function droppedAll(manifest: Manifest, now: number): Manifest {
  const kids = undropped(manifest).map((key) => key.kid);
  return kids.reduce(
    (next, kid) => retirementLookedAt(next, kid, Number.POSITIVE_INFINITY),
    t.dropped(manifest, kids, now),
  );
}

/** Retired keys that a verifier may still accept, as far as is known. */
export function undropped(manifest: Manifest): Key[] {
  return manifest.keys.filter((key) => key.state === 'retired' && key.droppedAt === null);
}

function written(manifest: Manifest, holdings: readonly Holding[]): Holding[] {
  return holdings.map((holding) => {
    const wanted = wantedKeys(manifest, holding);
    const keys = wanted?.map((kid) => ({ kid, thumbprint: t.keyOf(manifest, kid).thumbprint })) ?? null;
    return { ...holding, intact: true, keys: holding.kind === 'publish' && keys === null ? holding.keys : keys };
  });
}
