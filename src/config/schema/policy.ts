import * as v from 'valibot';
import { ALGORITHM_NAMES, type ModulusLength } from '../../keyset/basics/algorithm.js';
import type { Policy } from '../../keyset/basics/policy.js';
import type { Derived, SomePolicy } from '../policy.js';
import { must, type Schema, word } from './fields.js';
import { rollout } from './rollout.js';
import { duration, flag, wholeNumber } from './scalars.js';

const modulusLength: Schema<ModulusLength> = v.picklist([2048, 3072, 4096], must('2048, 3072 or 4096'));

/** The fields that `policyProblems` calculates with. */
const arithmeticFields = {
  maxTokenTtl: v.optional(duration),
  rotateEvery: v.optional(duration),
  jwksMaxAge: v.optional(duration),
  unlistedVerifiers: v.optional(flag),
  publishAhead: v.optional(duration),
  signerMaxAge: v.optional(duration),
  verifyFor: v.optional(duration),
  clockSkew: v.optional(duration),
  maxKeys: v.optional(wholeNumber(1, 1000)),
};

/** Each field may be in a keyset or in `defaults`. */
export const policyFields = {
  alg: v.optional(word(ALGORITHM_NAMES)),
  modulusLength: v.optional(modulusLength),
  ...arithmeticFields,
  onUnconfirmed: v.optional(word(['auto', 'wait', 'rollback'])),
  rollout: v.optional(rollout),
  recoveryWindowDays: v.optional(wholeNumber(7, 30)),
} satisfies Record<keyof Omit<Policy, Derived>, unknown>;

/** For a keyset merged over the defaults; other fields are ignored. */
export const givenPolicy: Schema<SomePolicy> = v.object(policyFields);
export const givenArithmetic: Schema<SomePolicy> = v.object(arithmeticFields);
