import type { Duration } from '../keyset/basics/clock.js';
import { defaultVerifyFor, POLICY_DEFAULTS, type Policy, type ServiceFacts } from '../keyset/basics/policy.js';
import { reloadEffectTime, type Service, signs, verifies } from '../services/service.js';

/** A policy as the file gives it: only `maxTokenTtl` is required. */
export type GivenPolicy = SomePolicy & Pick<Policy, 'maxTokenTtl'>;

/** Follow from the services. */
export type Derived = 'slowestReload' | 'dropsByCanary';

export type SomePolicy = { readonly [Field in keyof Omit<Policy, Derived>]?: Policy[Field] | undefined };

/** Fills in the defaults (docs/design.md, section 3). `publishAhead` is 0s only when the file says so. */
export function completePolicy(given: GivenPolicy, facts: ServiceFacts): Policy {
  const base = { ...POLICY_DEFAULTS, ...withoutUndefined(given), maxTokenTtl: given.maxTokenTtl };
  return {
    ...base,
    publishAhead: given.publishAhead ?? defaultPublishAhead(base),
    verifyFor: given.verifyFor ?? defaultVerifyFor(base, facts),
    slowestReload: facts.slowestReload,
    ...(facts.dropsByCanary === true ? { dropsByCanary: true } : {}),
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
    allVerifiersPolled: verifiers.length > 0 && verifiers.every(showsAll),
    ...(verifiers.some(({ health }) => health?.type === 'canary') ? { dropsByCanary: true } : {}),
  };
}

/** A canary shows the worker that answers it, and no other. */
function showsAll({ health }: Service): boolean {
  return health !== null && (health.type !== 'canary' || health.distinct !== null);
}

function defaultPublishAhead(policy: Pick<Policy, 'jwksMaxAge' | 'clockSkew'>): Duration {
  return Math.max(POLICY_DEFAULTS.publishAhead, policy.jwksMaxAge + policy.clockSkew);
}

function withoutUndefined<T extends object>(map: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined)) as never;
}
