import * as v from 'valibot';
import { type Policy, policyProblems, type ServiceFacts } from '../keyset/basics/policy.js';
import type { ParsedDocument } from './document.js';
import { completePolicy, type SomePolicy, serviceFacts } from './policy.js';
import type { ConfigurationProblem, FieldPath } from './problem.js';
import { isMap, type RawMap } from './schema/fields.js';
import { givenArithmetic, givenPolicy } from './schema/policy.js';
import { services } from './schema/service.js';

export interface CompletePolicy {
  readonly policy: Policy;
  readonly facts: ServiceFacts;
}

/** Stands in for invalid services: a policy that fails with these facts fails with any. */
const LENIENT: ServiceFacts = { longestDeadline: 0, slowestReload: 0, unpolledSigner: false, allVerifiersPolled: true };

/** Merges each keyset's policy over the defaults. A keyset whose policy can't be read gets none. */
export function completePolicies(document: ParsedDocument): {
  policies: ReadonlyMap<string, CompletePolicy>;
  problems: readonly ConfigurationProblem[];
} {
  const raw = isMap(document.value) ? document.value : {};
  const defaults = isMap(raw['defaults']) ? raw['defaults'] : {};
  const policies = new Map<string, CompletePolicy>();
  const problems: ConfigurationProblem[] = [];
  for (const [name, keyset] of Object.entries(isMap(raw['keysets']) ? raw['keysets'] : {})) {
    if (!isMap(keyset)) continue;
    const complete = complement(keyset, defaults, (field, message) => {
      const isDefault = !Object.hasOwn(keyset, field) && Object.hasOwn(defaults, field);
      const place: FieldPath = isDefault ? ['defaults', field] : ['keysets', name, field];
      problems.push({ position: document.positionOf(place, 'value'), path: ['keysets', name, field], message });
    });
    if (complete !== null) policies.set(name, complete);
  }
  return { policies, problems };
}

/** @returns null when a field is missing or invalid; the shape check reports invalid fields */
function complement(
  keyset: RawMap,
  defaults: RawMap,
  report: (field: string, message: string) => void,
): CompletePolicy | null {
  const merged = { ...defaults, ...keyset };
  if (merged['maxTokenTtl'] === undefined) {
    report('maxTokenTtl', "is missing: give your longest token's life, refresh tokens included, such as 24h");
    return null;
  }
  const whole = v.safeParse(givenPolicy, merged);
  const readable: { success: boolean; output: unknown } = whole.success ? whole : v.safeParse(givenArithmetic, merged);
  if (!readable.success) return null;
  const { maxTokenTtl = 0, ...given } = readable.output as SomePolicy;
  const listed = v.safeParse(services, keyset['services'] ?? []);
  const facts = listed.success ? serviceFacts(listed.output) : LENIENT;
  const policy = completePolicy({ ...given, maxTokenTtl }, facts);
  for (const { field, message, fix } of policyProblems(policy, facts)) report(field, `${message}; ${fix}`);
  return { policy, facts };
}
