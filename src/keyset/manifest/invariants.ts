import { ALGORITHMS } from '../basics/algorithm.js';
import type { Key } from './key.js';
import type { Manifest, Rollout } from './model.js';

/** Lists the invariants that a manifest breaks; empty if it is sound. */
export function brokenInvariants(manifest: Manifest): string[] {
  const problems = countProblems(manifest);
  for (const key of manifest.keys) problems.push(...keyProblems(key));
  return [...problems, ...referenceProblems(manifest)];
}

function countProblems({ keys }: Manifest): string[] {
  const problems: string[] = [];
  const active = keys.filter((key) => key.state === 'active');
  if (active.length > 1) problems.push(`${active.length} keys are active`);
  if (areInOrder(keys)) return problems;
  for (const name of ['kid', 'thumbprint', 'version'] as const) {
    const seen = new Set<string | number>();
    for (const key of keys) {
      if (seen.has(key[name])) problems.push(`two keys have ${name} ${key[name]}`);
      seen.add(key[name]);
    }
  }
  return problems;
}

/** A quick check for the usual case: versions grow and no name occurs twice. Only imported kids can break the order. */
function areInOrder(keys: readonly Key[]): boolean {
  const names = new Set<string>();
  let count = 0;
  let version = 0;
  for (const key of keys) {
    if (key.version <= version) return false;
    version = key.version;
    names.add(key.kid).add(key.thumbprint);
    count += key.kid === key.thumbprint ? 1 : 2;
  }
  return names.size === count;
}

function keyProblems(key: Key): string[] {
  if (key.publicJwk === null) return [];
  const needed: { kty: string; crv?: string } = ALGORITHMS[key.alg];
  const crv = 'crv' in key.publicJwk ? key.publicJwk.crv : undefined;
  const fits = key.publicJwk.kty === needed.kty && crv === needed.crv;
  return fits ? [] : [`key ${key.kid} (${key.state}) is not a key for ${key.alg}`];
}

function referenceProblems({ keys, rollout, retirements }: Manifest): string[] {
  const problems = rollout === null ? [] : rolloutProblems(rollout, keys);
  for (const retirement of retirements) {
    if (!keys.some((key) => key.kid === retirement.kid))
      problems.push(`the retirement is of ${retirement.kid}, which is not in the keyset`);
  }
  return problems;
}

function rolloutProblems({ kid, former, phase }: Rollout, keys: readonly Key[]): string[] {
  const problems: string[] = [];
  const key = keys.find((one) => one.kid === kid);
  if (key === undefined) problems.push(`the rollout is of ${kid}, which is not in the keyset`);
  if (former !== null && !keys.some((one) => one.kid === former))
    problems.push(`the rollout's former key ${former} is missing`);
  if (phase === 'switch' && !keys.some((one) => one.state === 'active'))
    problems.push('the rollout waits for signers, and no key is active');
  if (phase !== 'switch' && key !== undefined && key.state !== 'creating' && key.state !== 'pending')
    problems.push(`the rollout is at phase ${phase} of ${kid}, which is ${key.state}`);
  return problems;
}
