import { nextKind } from '../questions/key-kind.js';
import type { Action, NewKeyOptions, PlanInput } from './action.js';
import type { Reason } from './reason.js';

/*
 * How the next key is generated.
 */

/** A new key as the operator or the policy asks. */
export function generate(input: PlanInput, reason: Reason): Action {
  const { force, immediate, changeAlg } = input.request;
  return made(input, { forced: force || immediate || changeAlg, immediate, isReplacement: false }, reason);
}

/** An incident's replacement waits only for the gate and is never rolled back. */
export function generateReplacement(input: PlanInput): Action {
  return made(input, { forced: true, immediate: true, isReplacement: true }, 'compromised');
}

function made({ manifest, policy, request }: PlanInput, options: Omit<NewKeyOptions, 'kind'>, reason: Reason): Action {
  return { type: 'generate', kid: null, kind: nextKind(manifest, policy, request.changeAlg), ...options, reason };
}
