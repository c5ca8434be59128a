import { signsSince } from '../../keyset/due.js';
import { approximateDuration } from '../../keyset/duration.js';
import { type ExitCode, JwtrotError } from '../../keyset/error.js';
import type { Key } from '../../keyset/model.js';
import { upcoming } from '../../keyset/upcoming.js';
import { type KeysetResult, type Outcome, worstExit } from '../../rollout/rotate.js';
import { type Environment, Interrupted } from '../environment.js';
import type { Opened } from '../open.js';
import { describeError, type Output } from './output.js';
import { nameKey } from './words.js';

/** Prints what a run of `rotate` or `retire` came to. @returns the exit code */
export function printResults(
  results: readonly KeysetResult[],
  opened: Opened,
  environment: Environment,
  output: Output,
): ExitCode {
  const exit = worstExit(results.map((result) => exitOf(result)));
  if (output.json) {
    output.document(documentOf(results));
    return exit;
  }
  output.settle();
  for (const result of results) {
    const now = environment.clock.now();
    if (result.error === null) {
      const routine = result.outcome === 'nothing-due';
      const line = summary(result, opened, now);
      output.status(line);
      if (!(output.quiet && routine)) output.result(line);
    }
    for (const { message, hint } of result.problems) output.problem(`keyset ${result.name}: ${message}`, hint);
    if (result.error !== null && !(output.quiet && isLeased(result.error))) {
      output.failure(result.error);
      output.say(stateNow(result), 'warning');
    }
  }
  return exit;
}

/** Two timers met: nothing that went wrong, and the exit code tells. */
function isLeased(error: Error): boolean {
  return error instanceof JwtrotError && error.kind === 'leased';
}

function exitOf({ error, exit }: KeysetResult): ExitCode {
  return error instanceof Interrupted ? error.exit : exit;
}

/** The first failure stands beside the keysets too, so that a script finds it where every error is. */
function documentOf(results: readonly KeysetResult[]): object {
  const keysets = results.map(({ name, actions, active, outcome, problems, error }) => ({
    name,
    actions: actions.map(({ type, kid, reason }) => ({ type, kid, reason })),
    active,
    outcome,
    problems: problems.map(({ code, message, hint }) => ({ code, message, hint })),
    ...(error === null ? {} : { error: errorOf(error) }),
  }));
  const failed = results.find((result) => result.error !== null)?.error;
  return { schema: 1, keysets, ...(failed == null ? {} : { error: errorOf(failed) }) };
}

function errorOf(error: Error): object {
  const { code, message, hint, exit } = describeError(error);
  return { code, message, hint, exit };
}

const OUTCOMES: Readonly<Record<Outcome, string>> = {
  'nothing-due': 'nothing due',
  staged: 'staged a new key',
  rotated: 'rotated',
  retired: 'retired',
  'rolled-back': 'rolled back',
  waiting: 'waiting',
  'backing-off': 'backing off',
  failed: 'failed',
};

function summary(result: KeysetResult, opened: Opened, now: number): string {
  const { manifest, name, outcome } = result;
  if (manifest === null) return `${name}: ${OUTCOMES[outcome]}`;
  const parts = [OUTCOMES[outcome], activeText(manifest.keys, now)];
  const keyset = opened.keysets.find((one) => one.name === name);
  const next = keyset === undefined ? null : upcoming(manifest, keyset.policy, now);
  if (next !== null) {
    const when =
      next.at === null ? 'with the next run' : next.at <= now ? 'now' : `in ${approximateDuration(next.at - now)}`;
    parts.push(`next: ${next.action} ${when} (${next.reason})`);
  }
  return `${name}: ${parts.join('; ')}`;
}

function activeText(keys: readonly Key[], now: number): string {
  const active = keys.find((key) => key.state === 'active');
  if (active === undefined) return 'no key is active';
  return `active ${nameKey(active)}, ${approximateDuration(now - signsSince(active))} old`;
}

/** After an error: what holds now. */
function stateNow({ name, manifest, error }: KeysetResult): string {
  if (manifest === null) return `keyset ${name}: nothing is stored of it that this run has seen`;
  const active = manifest.keys.find((key) => key.state === 'active');
  const rollout =
    manifest.rollout === null
      ? 'no rollout is under way'
      : `the rollout of ${manifest.rollout.kid} stands at phase ${manifest.rollout.phase}`;
  const lease = error !== null && isLeased(error) ? '' : `, revision ${manifest.revision}`;
  return `keyset ${name}: ${active === undefined ? 'no key is active' : `${nameKey(active)} signs`}; ${rollout}${lease}`;
}
