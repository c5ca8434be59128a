import type { Duration } from '../keyset/clock.js';
import { defaultVerifyFor, POLICY_DEFAULTS, type Policy, type ServiceFacts } from '../keyset/policy.js';
import { reloadEffectTime, type Service, signs, verifies } from '../services/service.js';

/** A policy as it is written: everything but `maxTokenTtl` may be left out. */
export type GivenPolicy = SomePolicy & Pick<Policy, 'maxTokenTtl'>;

export type SomePolicy = { readonly [Field in keyof Omit<Policy, 'slowestReload'>]?: Policy[Field] | undefined };

/** Fills in the defaults (DESIGN.md, section 3). `publishAhead` is 0s only when it was set to that. */
export function completePolicy(given: GivenPolicy, facts: ServiceFacts): Policy {
  const base = { ...POLICY_DEFAULTS, ...withoutUndefined(given), maxTokenTtl: given.maxTokenTtl };
  return {
    ...base,
    publishAhead: given.publishAhead ?? defaultPublishAhead(base),
    verifyFor: given.verifyFor ?? defaultVerifyFor(base, facts),
    slowestReload: facts.slowestReload,
  };
}

export function serviceFacts(services: readonly Service[]): ServiceFacts {
  const signers = services.filter(signs);
  const verifiers = services.filter(verifies);
  const polled = (service: Service): boolean => service.health !== null;
  return {
    longestDeadline: Math.max(0, ...services.map((service) => service.health?.deadline ?? 0)),
    slowestReload: Math.max(0, ...verifiers.map(reloadEffectTime)),
    unpolledSigner: signers.length === 0 || !signers.every(polled),
    allVerifiersPolled: verifiers.length > 0 && verifiers.every(polled),
  };
}

function defaultPublishAhead(policy: Pick<Policy, 'jwksMaxAge' | 'clockSkew'>): Duration {
  return Math.max(POLICY_DEFAULTS.publishAhead, policy.jwksMaxAge + policy.clockSkew);
}

function withoutUndefined<T extends object>(map: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined)) as never;
}
