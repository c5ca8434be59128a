import { ALGORITHMS } from './algorithm.js';
import type { Key, Manifest } from './model.js';

/** Everything about a manifest that must not be; empty when it is sound. */
export function brokenInvariants(manifest: Manifest): string[] {
  return [...countProblems(manifest), ...manifest.keys.flatMap(keyProblems), ...referenceProblems(manifest)];
}

function countProblems({ keys }: Manifest): string[] {
  const problems: string[] = [];
  const active = keys.filter((key) => key.state === 'active');
  if (active.length > 1) problems.push(`${active.length} keys are active`);
  for (const name of ['kid', 'thumbprint', 'version'] as const) {
    const seen = new Set<string | number>();
    for (const key of keys) {
      if (seen.has(key[name])) problems.push(`two keys have ${name} ${key[name]}`);
      seen.add(key[name]);
    }
  }
  return problems;
}

function keyProblems(key: Key): string[] {
  const problems: string[] = [];
  const say = (what: string) => problems.push(`key ${key.kid} (${key.state}) ${what}`);
  if (key.publicJwk === null && key.state !== 'destroyed') say('has no public key');
  if (key.publicJwk !== null) {
    const needed: { kty: string; crv?: string } = ALGORITHMS[key.alg];
    const crv = 'crv' in key.publicJwk ? key.publicJwk.crv : undefined;
    if (key.publicJwk.kty !== needed.kty || crv !== needed.crv) say(`is not a key for ${key.alg}`);
  }
  if (key.state === 'active') {
    if (!key.hasPrivate) say('has no private half');
    if (key.signedUntil !== null) say('has signedUntil');
    if (key.activatedAt === null || key.signedFrom === null) say('has no activatedAt');
  }
  if (key.state === 'retired' && (key.retiredAt === null || key.reason === null)) say('has no retiredAt or reason');
  if (key.state === 'destroyed' && key.destroyedAt === null) say('has no destroyedAt');
  return problems;
}

function referenceProblems({ keys, rollout, retirements }: Manifest): string[] {
  const problems: string[] = [];
  const byKid = new Map(keys.map((key) => [key.kid, key]));
  if (rollout !== null) {
    const key = byKid.get(rollout.kid);
    if (key === undefined) problems.push(`the rollout is of ${rollout.kid}, which is not in the keyset`);
    if (rollout.direction === 'back' && rollout.former === null) problems.push('the rollout goes back to nothing');
    if (rollout.former !== null && !byKid.has(rollout.former))
      problems.push(`the rollout's former key ${rollout.former} is missing`);
  }
  for (const retirement of retirements) {
    if (!byKid.has(retirement.kid)) problems.push(`the retirement is of ${retirement.kid}, which is not in the keyset`);
  }
  return problems;
}
