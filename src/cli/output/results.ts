import { approximateDuration } from '../../keyset/basics/duration.js';
import { EXIT, type ExitCode, JwtrotError, worstExit } from '../../keyset/basics/error.js';
import type { Policy } from '../../keyset/basics/policy.js';
import type { Manifest } from '../../keyset/manifest/model.js';
import { type Action, kidOf } from '../../keyset/planning/action.js';
import { signsSince } from '../../keyset/questions/due.js';
import { changeText } from '../../keyset/questions/key-kind.js';
import { upcoming, upcomingOf } from '../../keyset/questions/upcoming.js';
import type { Problem } from '../../rollout/problem.js';
import type { KeysetResult, Outcome } from '../../rollout/rotate.js';
import type { Environment } from '../environment.js';
import { Interrupted } from '../interrupted.js';
import type { Opened } from '../open.js';
import { errorDocument } from './describe-error.js';
import { hintHere } from './hints.js';
import type { Output } from './output.js';
import { failuresText, keylessText, nameKey, upcomingText } from './words.js';

/** Prints the results of a run. @returns the exit code */
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
    const change = changeOf(result, opened);
    if (change !== null) output.say(`${result.name}: ${change}`, 'warning');
    for (const problem of result.problems) printProblem(result.name, problem, environment, output);
    if (result.error !== null && !(output.quiet && isLeased(result.error))) {
      output.failure(result.error);
      const state = isUnseen(result.error) ? null : stateNow(result);
      if (state !== null) output.say(state, 'warning');
    }
  }
  return exit;
}

function printProblem(name: string, problem: Problem, environment: Environment, output: Output): void {
  const { message, hint, isRemark } = problem;
  if (isRemark !== true) {
    output.problem(`keyset ${name}: ${message}`, hint);
    return;
  }
  output.say(`${name}: ${message}`, 'warning');
  if (hint !== null) output.say(`hint: ${hintHere(hint, environment)}`, 'warning');
}

/** A change of algorithm or key size that the configuration wants but nobody has ordered yet. */
function changeOf({ name, manifest }: KeysetResult, opened: Opened): string | null {
  const keyset = opened.keysets.find((one) => one.name === name);
  return manifest === null || keyset === undefined ? null : changeText(manifest, keyset.policy);
}

/** Two timers met. Nothing went wrong, and the exit code says so. */
function isLeased(error: Error): boolean {
  return error instanceof JwtrotError && error.kind === 'leased';
}

function exitOf({ error, exit }: KeysetResult): ExitCode {
  return error instanceof Interrupted ? error.exit : exit;
}

/** The first failure also stands beside the keysets, where a script expects every error. */
function documentOf(results: readonly KeysetResult[]): object {
  const keysets = results.map((result) => {
    const { name, actions, active, outcome, error } = result;
    return {
      name,
      actions: actions.map(actionDocument),
      active: result.isOtherHistory ? null : active,
      outcome,
      problems: problemsOf(result),
      ...(error === null ? {} : { error: errorDocument(error) }),
    };
  });
  return { schema: 1, keysets, ...firstError(results) };
}

export function actionDocument(action: Action): object {
  return { type: action.type, kid: kidOf(action), reason: action.reason };
}

/** Includes a refusal that did not end the run. */
function firstError(results: readonly KeysetResult[]): { error?: object } {
  const failed = results.find((result) => result.error !== null)?.error;
  if (failed != null) return { error: errorDocument(failed) };
  const refused = results.flatMap(({ problems }) => problems).find(({ kind }) => kind === 'refused');
  if (refused === undefined) return {};
  const { code, message, hint } = refused;
  return { error: { code, message, hint, exit: EXIT[refused.kind] } };
}

/**
 * A back-off is no failure of this run, but the exit code is 4. So it tells scripts what to do, as `next` tells people.
 */
function problemsOf({ problems, outcome, manifest }: KeysetResult): object[] {
  const told = problems.map(({ code, message, hint }) => ({ code, message, hint }));
  const backoff = manifest?.backoff;
  const isExplained = problems.some(({ isRemark }) => isRemark !== true);
  if (outcome !== 'backing-off' || isExplained || backoff == null) return told;
  return [backoffDocument(backoff), ...told];
}

export function backoffDocument(backoff: NonNullable<Manifest['backoff']>): object {
  const message = `backing off until ${new Date(backoff.until).toISOString()} after ${failuresText(backoff.failures)}: ${backoff.because}`;
  return {
    code: 'backing-off',
    message,
    hint: 'mend that; the next run after it goes on, or now: jwtrot rotate --force',
  };
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
  // In another history the active key may be one that this host knows as retired.
  if (result.isOtherHistory) return `${name}: ${OUTCOMES[outcome]}; which key signs can't be told from this store`;
  const parts = [OUTCOMES[outcome], activeText(manifest, now)];
  const keyset = opened.keysets.find((one) => one.name === name);
  const next = keyset === undefined ? null : upcoming(manifest, keyset.policy, now);
  if (next !== null) parts.push(`next: ${upcomingText(next, now)}`);
  if (outcome === 'backing-off') parts.push('or now: jwtrot rotate --force');
  return `${name}: ${parts.join('; ')}`;
}

/** Words a dry run that would do nothing, and says when the waiting key will sign. */
export function idleText(manifest: Manifest | null, policy: Policy, isHeldOff: boolean, now: number): string {
  if (manifest === null) return 'nothing is due';
  const waiting = manifest.keys.find((key) => key.kid === manifest.rollout?.kid && key.state === 'pending');
  const next = waiting === undefined ? upcoming(manifest, policy, now) : upcomingOf(manifest, policy, waiting, now);
  const what = isHeldOff ? 'backing off' : 'nothing is due';
  return next === null ? what : `${what}; next: ${upcomingText(next, now)}`;
}

function activeText(manifest: Manifest, now: number): string {
  const active = manifest.keys.find((key) => key.state === 'active');
  if (active === undefined) return keylessText(manifest);
  return `active ${nameKey(active)}, ${approximateDuration(now - signsSince(active))} old`;
}

/** The manifest that was read is not the one that this host knows. The error says what is there. */
function isUnseen(error: Error): boolean {
  return error instanceof JwtrotError && ['other-history', 'stale-replica', 'record-damaged'].includes(error.code);
}

/** After an error: how things stand now; null: this run has seen no manifest that tells. */
function stateNow({ name, manifest, error, isOtherHistory }: KeysetResult): string | null {
  if (manifest === null || isOtherHistory) return null;
  const active = manifest.keys.find((key) => key.state === 'active');
  const rollout =
    manifest.rollout === null
      ? 'no rollout is under way'
      : `the rollout of ${manifest.rollout.kid} stands at phase ${manifest.rollout.phase}`;
  const lease = error !== null && isLeased(error) ? '' : `, revision ${manifest.revision}`;
  return `keyset ${name}: ${active === undefined ? 'no key is active' : `${nameKey(active)} signs`}; ${rollout}${lease}`;
}
