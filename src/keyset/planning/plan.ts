import type { NewKey } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import { unexplained } from '../published/differences.js';
import { fencedBy } from '../published/fence.js';
import { type Holding, wantedKeys } from '../published/jwk-set.js';
import { wantedTold } from '../published/told.js';
import type { KeyKind } from '../questions/key-kind.js';
import * as t from '../transitions/all.js';
import type { Action, ActionOf, ActionType, PlanInput, Refusal, Request } from './action.js';
import { decide } from './order.js';
import { type Facts, type FactsOf, outcome } from './outcome.js';

/** All actions of a run in which everything confirms. */
export interface Plan {
  readonly actions: readonly Action[];
  readonly refusal: Refusal | null;
  /** The manifest after all actions; null if there is none. */
  readonly outcome: Manifest | null;
}

/** Stands for the key that `generate` will make. */
export const NEW_KID = '(new)';

const MOST_ACTIONS = 200;

/** Decides repeatedly, each time from the expected outcome of the previous action. Pure. */
export function plan(input: PlanInput): Plan {
  const actions: Action[] = [];
  let state = input;
  while (actions.length < MOST_ACTIONS) {
    const decision = decide(state);
    if (decision.type === 'nothing') return { actions, refusal: null, outcome: state.manifest };
    if (decision.type === 'refused') return { actions, refusal: decision.refusal, outcome: state.manifest };
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

/** Removes from the request what the action has done: a request is carried out once. */
export function consume(request: Request, action: Action): Request {
  if (action.type === 'record-retirement') return { ...request, retire: null };
  const isSwitch = action.type === 'confirm-signers' && action.settles !== 'former-clock';
  if (action.type === 'generate' || action.type === 'expedite' || isSwitch) {
    return { ...request, force: false, immediate: false, changeAlg: action.type !== 'generate' && request.changeAlg };
  }
  return request;
}

function predict(input: PlanInput, action: Action): PlanInput {
  const { observations, policy, now } = input;
  const from = input.manifest ?? t.emptyManifest(input.keyset);
  const manifest = outcome(from, action, { at: now, policy }, hoped(from, input, action));
  const isWritten = action.type === 'write-outlets';
  const seen = { holdings: written(manifest, observations.holdings), fenced: fencedBy(manifest) };
  return {
    ...input,
    manifest,
    observations: isWritten ? { ...observations, ...seen } : observations,
    request: consume(input.request, action),
  };
}

type Hopes = { readonly [T in keyof Facts]: (from: Manifest, input: PlanInput, action: ActionOf<T>) => Facts[T] };

/** Assumes that everything confirms and nothing is in flight. What falls due later is too late for the plan. */
const HOPES: Hopes = {
  'record-retirement': (_, { now }) => ({ putsUntil: now }),
  'roll-back': (_, { now }) => ({ putsUntil: now }),
  generate: (_, __, { kind }) => ({ key: newKey(kind), putsUntil: null }),
  recover: (from, _, { kid }) => ({ isStored: from.rollout?.kid === kid, putsUntil: null }),
  'note-outlets': (from, { observations }) => ({ found: unexplained(from, observations.holdings) }),
  activate: () => ({ signersAnswered: false }),
  'confirm-signers': () => ({ mayReturn: false, reloadsUntil: null }),
  'confirm-drop': () => ({ checkAgainAt: Number.POSITIVE_INFINITY }),
  'delete-secret': () => ({ goneAt: Number.POSITIVE_INFINITY, isLast: true }),
};

type Hope = (from: Manifest, input: PlanInput, action: Action) => FactsOf<ActionType>;

function hoped(from: Manifest, input: PlanInput, action: Action): FactsOf<ActionType> {
  const hope = (HOPES as Partial<Record<ActionType, Hope>>)[action.type];
  return hope === undefined ? null : hope(from, input, action);
}

function newKey({ alg }: KeyKind): NewKey {
  return { kid: NEW_KID, thumbprint: NEW_KID, alg, publicJwk: { kty: 'OKP', crv: '', x: '' }, hasPrivate: true };
}

function written(manifest: Manifest, holdings: readonly Holding[]): Holding[] {
  return holdings.map((holding) => {
    const wanted = wantedKeys(manifest, holding);
    const keys = wanted?.map((kid) => ({ kid, thumbprint: t.keyOf(manifest, kid).thumbprint })) ?? null;
    const told = holding.told === undefined ? {} : { told: wantedTold(manifest) };
    return {
      ...holding,
      ...told,
      intact: true,
      keys: holding.kind === 'publish' && keys === null ? holding.keys : keys,
    };
  });
}
