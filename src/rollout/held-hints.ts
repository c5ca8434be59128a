import type { Instant } from '../keyset/basics/clock.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { isRolloutHeld } from '../keyset/questions/backoff.js';
import { isIncident } from '../keyset/questions/open-incidents.js';
import type { Problem } from './problem.js';

const FORCED = 'jwtrot rotate --force';

/**
 * While a back-off holds the rollout, mending what failed is half of the way: a run without `--force` goes on waiting.
 * Where nothing is rolled out, `--force` would begin a rotation that nobody needs.
 */
export function withForce(problems: readonly Problem[], manifest: Manifest | null, now: Instant): readonly Problem[] {
  const rollout = manifest?.rollout ?? null;
  if (manifest === null || rollout === null || isIncident(manifest) || !isRolloutHeld(manifest, rollout, now))
    return problems;
  return problems.map((problem) => ({ ...problem, hint: problem.hint === null ? null : forced(problem.hint) }));
}

function forced(hint: string): string {
  if (hint.includes(FORCED)) return hint;
  return /\brun it again$/.test(hint) ? `${hint}: ${FORCED}` : `${hint}; then ${FORCED}`;
}
