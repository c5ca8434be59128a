import type { Algorithm, ModulusLength } from './algorithm.js';
import { DAY, type Duration, HOUR, SECOND } from './clock.js';
import { formatDuration } from './duration.js';

/** What to do when a signer does not confirm the new key (docs/design.md, section 4). */
export type OnUnconfirmed = 'auto' | 'wait' | 'rollback';

/** How many instances to reload at a time. `canary`: first one alone, then all the others. */
export type Batch = number | 'all' | 'canary';

/** A keyset's policy with all defaults filled in. Durations are milliseconds. */
export interface Policy {
  readonly alg: Algorithm;
  /** RSA modulus length in bits. */
  readonly modulusLength: ModulusLength;
  /** The longest life of any token, refresh tokens included. */
  readonly maxTokenTtl: Duration;
  /** How long a key signs. */
  readonly rotateEvery: Duration;
  /** The longest time a verifier caches the JWKS. */
  readonly jwksMaxAge: Duration;
  /** How long a pending key is in the JWKS before it may sign. */
  readonly publishAhead: Duration;
  /** How long after its order a listed verifier's reload can take effect. Follows from the services. */
  readonly slowestReload: Duration;
  /**
   * A verifier shows by canaries that it has dropped a key: its private half is needed until then. Follows from the
   * services. Absent: none does.
   */
  readonly dropsByCanary?: true;
  /** How long an unpolled signer may keep using the former key. */
  readonly signerMaxAge: Duration;
  /** How long a key verifies after `signedUntil`. */
  readonly verifyFor: Duration;
  /** The largest difference between two machines' clocks. */
  readonly clockSkew: Duration;
  /** The most keys in the JWKS at once. */
  readonly maxKeys: number;
  readonly unlistedVerifiers: boolean;
  readonly onUnconfirmed: OnUnconfirmed;
  /** `batch` counts instances of all services together. Each service has its own limit besides. */
  readonly rollout: { readonly batch: Batch };
  /** How long a deleted private key can be restored, in days. */
  readonly recoveryWindowDays: number;
}

/** Facts about the listed services that the policy depends on. */
export interface ServiceFacts {
  /** The longest `health.deadline` of any service; 0 without one. */
  readonly longestDeadline: Duration;
  /** The longest time in which a listed verifier's reload can still take effect; 0 without one. */
  readonly slowestReload: Duration;
  /** A signer can't be polled, or none is listed: `signerMaxAge` counts. */
  readonly unpolledSigner: boolean;
  /** At least one verifier is listed and all listed ones are polled, down to the last worker. */
  readonly allVerifiersPolled: boolean;
  readonly dropsByCanary?: true;
}

export const POLICY_DEFAULTS = {
  alg: 'RS256',
  modulusLength: 2048,
  rotateEvery: 90 * DAY,
  jwksMaxAge: HOUR,
  publishAhead: 24 * HOUR,
  signerMaxAge: 24 * HOUR,
  clockSkew: 60 * SECOND,
  maxKeys: 10,
  unlistedVerifiers: true,
  onUnconfirmed: 'auto',
  rollout: { batch: 'all' },
  recoveryWindowDays: 7,
} as const satisfies Partial<Policy>;

/** The shortest `verifyFor` that rejects no token. */
export function leastVerifyFor(
  policy: Pick<Policy, 'maxTokenTtl' | 'clockSkew' | 'signerMaxAge'>,
  facts: ServiceFacts,
): Duration {
  const signerMaxAge = facts.unpolledSigner ? policy.signerMaxAge : 0;
  return policy.maxTokenTtl + 2 * policy.clockSkew + facts.longestDeadline + signerMaxAge;
}

/** `maxTokenTtl + 24h`, or more if that would reject tokens. */
export function defaultVerifyFor(
  policy: Pick<Policy, 'maxTokenTtl' | 'clockSkew' | 'signerMaxAge'>,
  facts: ServiceFacts,
): Duration {
  return Math.max(policy.maxTokenTtl + 24 * HOUR, leastVerifyFor(policy, facts));
}

/** True if `publishAhead` may be zero: every verifier reads the file itself and shows which keys it accepts. */
export function mayPublishAtOnce(
  policy: Pick<Policy, 'unlistedVerifiers' | 'jwksMaxAge'>,
  facts: ServiceFacts,
): boolean {
  return !policy.unlistedVerifiers && facts.allVerifiersPolled && policy.jwksMaxAge === 0;
}

/** A setting that would reject tokens or can't work, with the arithmetic. */
export interface PolicyProblem {
  readonly field: keyof Policy;
  readonly message: string;
  /** The correction. */
  readonly fix: string;
}

/** The longest duration accepted. Beyond it, sums of times leave the range of dates (zitadel#7714). */
export const LONGEST_DURATION: Duration = 3650 * DAY;

/** The most keys in the JWKS at once: the pending one, the active one, and the deprecated ones that still verify. */
export function mostKeys(policy: Pick<Policy, 'verifyFor' | 'clockSkew' | 'rotateEvery'>): number {
  return 2 + Math.ceil((policy.verifyFor + policy.clockSkew) / policy.rotateEvery);
}

/** Lists what is wrong with a policy; empty if it rejects no token. */
export function policyProblems(policy: Policy, facts: ServiceFacts): PolicyProblem[] {
  const tooLong = DURATIONS.filter((field) => policy[field] > LONGEST_DURATION);
  // Sums of such times are meaningless.
  if (tooLong.length > 0) return tooLong.map((field) => tooLongProblem(field, policy[field]));
  const problems = [tokenLifeProblem(policy), verifyForProblem(policy, facts), publishAheadProblem(policy, facts)];
  problems.push(rotateEveryProblem(policy) ?? maxKeysProblem(policy));
  return problems.filter((problem) => problem !== null);
}

const DURATIONS = [
  'maxTokenTtl',
  'rotateEvery',
  'jwksMaxAge',
  'publishAhead',
  'signerMaxAge',
  'verifyFor',
  'clockSkew',
] as const satisfies (keyof Policy)[];

const d = formatDuration;

function tooLongProblem(field: keyof Policy, duration: Duration): PolicyProblem {
  return { field, message: `${field} ${d(duration)} is longer than ${d(LONGEST_DURATION)}`, fix: 'use a shorter time' };
}

function tokenLifeProblem({ maxTokenTtl }: Policy): PolicyProblem | null {
  if (maxTokenTtl > 0) return null;
  return {
    field: 'maxTokenTtl',
    message: 'maxTokenTtl is 0: no token could live',
    fix: "give your longest token's life",
  };
}

function verifyForProblem(policy: Policy, facts: ServiceFacts): PolicyProblem | null {
  const least = leastVerifyFor(policy, facts);
  if (policy.verifyFor >= least) return null;
  const deadline = facts.longestDeadline > 0 ? ` + longest deadline ${d(facts.longestDeadline)}` : '';
  const signer = facts.unpolledSigner ? ` + signerMaxAge ${d(policy.signerMaxAge)}` : '';
  return {
    field: 'verifyFor',
    message: `verifyFor ${d(policy.verifyFor)} would reject tokens: maxTokenTtl ${d(policy.maxTokenTtl)} + 2 x clockSkew ${d(policy.clockSkew)}${deadline}${signer} = ${d(least)}`,
    fix: `set verifyFor to at least ${d(least)}`,
  };
}

function publishAheadProblem(policy: Policy, facts: ServiceFacts): PolicyProblem | null {
  const least = policy.jwksMaxAge + policy.clockSkew;
  const polled = facts.dropsByCanary === true ? 'polled (by canaries: with distinct)' : 'polled';
  const atOnce = policy.publishAhead === 0 && mayPublishAtOnce(policy, facts);
  if (policy.publishAhead >= least || atOnce) return null;
  return {
    field: 'publishAhead',
    message: `publishAhead ${d(policy.publishAhead)} would reject tokens: a verifier may cache the JWKS for jwksMaxAge ${d(policy.jwksMaxAge)} + clockSkew ${d(policy.clockSkew)} = ${d(least)}`,
    fix: `set publishAhead to at least ${d(least)}; 0s only with unlistedVerifiers: false, jwksMaxAge: 0s and every verifier ${polled}`,
  };
}

function rotateEveryProblem({ rotateEvery, publishAhead }: Policy): PolicyProblem | null {
  if (rotateEvery > publishAhead) return null;
  return {
    field: 'rotateEvery',
    message: `rotateEvery ${d(rotateEvery)} is not longer than publishAhead ${d(publishAhead)}: a key would be due before it may sign`,
    fix: `set rotateEvery above ${d(publishAhead)}`,
  };
}

function maxKeysProblem(policy: Policy): PolicyProblem | null {
  const most = mostKeys(policy);
  if (most <= policy.maxKeys) return null;
  return {
    field: 'maxKeys',
    message: `${most} keys would be in the JWKS at once, maxKeys is ${policy.maxKeys}: pending + active + (verifyFor ${d(policy.verifyFor)} + clockSkew ${d(policy.clockSkew)}) / rotateEvery ${d(policy.rotateEvery)}, rounded up`,
    fix: 'rotate less often, shorten verifyFor, or raise maxKeys',
  };
}
