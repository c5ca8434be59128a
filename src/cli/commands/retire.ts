import { type Clock, type Duration, SECOND } from '../../keyset/basics/clock.js';
import { approximateDuration } from '../../keyset/basics/duration.js';
import { EXIT, type ExitCode, worstExit } from '../../keyset/basics/error.js';
import { quoteOutside, shellWord } from '../../keyset/basics/outside-text.js';
import type { Policy } from '../../keyset/basics/policy.js';
import type { Key, RetireReason } from '../../keyset/manifest/key.js';
import { NOTHING_ASKED, type Request } from '../../keyset/planning/action.js';
import { OBSERVE_LIMIT } from '../../outlets/limits.js';
import type { KeysetContext } from '../../rollout/context.js';
import type { Problem } from '../../rollout/problem.js';
import { type KeysetResult, rotateKeyset } from '../../rollout/rotate.js';
import { announceKey } from '../announce-key.js';
import { announceExposure, historyOf } from '../announce-retirement.js';
import { confirm } from '../confirm.js';
import { openContexts } from '../contexts.js';
import { refuseDeliveredSince } from '../delivered-since.js';
import type { Environment } from '../environment.js';
import { findAgain } from '../find-again.js';
import { findKey } from '../find-key.js';
import { enteringOf, type FoundKey, kidOf } from '../named.js';
import { type Opened, open, sourceOf } from '../open.js';
import type { Output } from '../output/output.js';
import { printResults } from '../output/results.js';
import { nameKey } from '../output/words.js';
import { type RememberedKey, rememberedResult } from '../remembered.js';
import type { Verb } from '../verb.js';

interface RetireOptions {
  readonly kid?: string;
  readonly key?: string;
  readonly reason: RetireReason;
  readonly deadline: Duration;
  /** False with `--no-replacement`. */
  readonly replacement: boolean;
  readonly purge?: boolean;
  readonly takeOver?: boolean;
  readonly yes?: boolean;
}

/**
 * How long it takes to find the key, unless something hangs. Any more shortens the deadline, since the wall counts it.
 */
const TO_FIND: Duration = SECOND;

/** `jwtrot retire`: for the worst night of the year. It says what it will do, asks, and does it within the deadline. */
export const retire: Verb<RetireOptions> = async (options, environment, output) => {
  const opened = await open(options, environment);
  const contexts = await openContexts(opened, environment, output, 'retire');
  const placesOf = (context: KeysetContext) =>
    opened.keysets.filter(({ name }) => name === context.name).map((keyset) => ({ keyset, context }));
  const search = await findKey(contexts.flatMap(placesOf), options, environment, output);
  if (!('found' in search)) return endRemembered(search, opened, environment, output);
  await refuseDeliveredSince(search.found, options.key);
  const [gone] = search.found;
  if (gone !== undefined && search.found.length === 1 && gone.key !== null && (await isOver(gone.context, gone.key))) {
    const text = `${gone.keyset.name}: ${nameKey(gone.key)} is destroyed already`;
    output.result(output.json ? JSON.stringify({ schema: 1, keysets: [] }) : text);
    return 0;
  }
  const { clock } = environment;
  for (const one of output.json ? [] : search.found) {
    output.say(`configuration  ${sourceOf(opened.configuration)}`);
    output.say(`store          ${opened.store.description}`);
    announceKey(one, environment, output);
    const asked = { ...options, now: clock.now() };
    await announceExposure(one, asked, await historyOf(one, opened, environment), output);
  }
  await confirm('Retire it now?', { yes: options.yes, isInputTaken: options.key === '-' }, environment);
  // The monotonic clock begins with the process. If a question was asked, the deadline runs from the answer.
  const late = options.yes === true ? Math.max(0, clock.monotonic() - TO_FIND) : 0;
  const deadline = clock.monotonic() + options.deadline - late;
  environment.supervisor?.began({ ...namesOf(search.found), store: opened.store.description });
  const found = await findAgain(search, deadline, clock);
  if (!output.json) sayOthers(search.found, found, output);
  // At the same time: each keyset has until the deadline.
  const results = await Promise.all(found.map((one) => retireOne(one, options, deadline, clock)));
  const exit = printResults(results, opened, environment, output);
  if (exit === 4) afterwards(found, results, output);
  return exit;
};

function namesOf(found: readonly FoundKey[]): { keyset: string; kid: string } {
  const each = (names: readonly string[]) => [...new Set(names)].join(', ');
  return { keyset: each(found.map(({ keyset }) => keyset.name)), kid: each(found.map(kidOf)) };
}

/** Says which keys go that were not announced, because the store was silent then. */
function sayOthers(announced: readonly FoundKey[], found: readonly FoundKey[], output: Output): void {
  for (const one of found) {
    if (announced.some((other) => other.keyset === one.keyset && kidOf(other) === kidOf(one))) continue;
    output.say(
      `keyset ${one.keyset.name}: as the store answers now, the key is ${quoteOutside(kidOf(one))}`,
      'warning',
    );
  }
}

/** @param deadline by the monotonic clock */
async function retireOne(
  found: FoundKey,
  options: RetireOptions,
  deadline: Duration,
  clock: Clock,
): Promise<KeysetResult> {
  const stray = enteringOf(found);
  const request: Request = {
    ...NOTHING_ASKED,
    takeOver: options.takeOver === true,
    incidentOnly: true,
    retire: {
      kid: kidOf(found),
      reason: options.reason,
      // Below zero the deadline has passed already, and the command must end that much earlier.
      deadline: deadline - clock.monotonic(),
      noReplacement: options.replacement === false,
      purge: options.purge === true,
      ...(stray === undefined ? {} : { stray }),
      ...(found.key === null && found.isUnsure === true ? { isUnsure: true } : {}),
      ...(found.also === undefined ? {} : { also: found.also }),
    },
  };
  const isRemembered = await isRetiredHere(found);
  const result = await rotateKeyset(found.context, request);
  return isRemembered ? result : withDoubt(found, result);
}

/** The store can't be read, and all that can be done without it has been done. */
async function endRemembered(
  found: readonly RememberedKey[],
  opened: Opened,
  environment: Environment,
  output: Output,
): Promise<ExitCode> {
  const results = await Promise.all(found.map(rememberedResult));
  const exit = printResults(results, opened, environment, output);
  afterwards(found, results, output);
  return exit;
}

/** By an earlier run, whatever the store knows of it. */
async function isRetiredHere({ context, key, stray }: FoundKey): Promise<boolean> {
  const record = await context.records.read().catch(() => null);
  const { thumbprint } = key ?? stray;
  return record?.retired.some((one) => one.thumbprint === thumbprint) ?? false;
}

/**
 * Nothing of the key is left. A tombstone that a recovery made was never looked at: verifiers are asked. And somebody
 * may have put a tombstone's key back into an outlet.
 */
async function isOver({ outlets }: KeysetContext, { state, droppedAt, reason, thumbprint }: Key): Promise<boolean> {
  if (state !== 'destroyed' || (droppedAt === null && reason !== 'failed')) return false;
  return (await outlets.keys(OBSERVE_LIMIT.hurried)).every((held) => held.thumbprint !== thumbprint);
}

/**
 * If neither the store nor an outlet knew the key, it may belong to another configuration. Its absence proves little.
 */
function withDoubt(found: FoundKey, result: KeysetResult): KeysetResult {
  const isKnown =
    found.stray === null || found.outlets.length > 0 || found.renamed !== undefined || found.mayOwn === true;
  if (isKnown || result.error !== null) return result;
  const problem: Problem = {
    block: null,
    code: 'key-unknown',
    message: `neither the store nor an outlet of this host knew ${found.stray.kid}: it is never accepted from now on, and was published from elsewhere if at all`,
    hint: 'is this the right configuration and store? jwtrot status',
    kind: 'services',
  };
  return { ...result, problems: [...result.problems, problem], exit: worstExit([result.exit, EXIT.services]) };
}

/** Without a cache no time bounds the trust: `0s longer` would claim that nobody trusts the key any more. */
export function untilRead({ jwksMaxAge }: Pick<Policy, 'jwksMaxAge'>): string {
  return jwksMaxAge < SECOND
    ? 'until it has read the JWKS again'
    : `for ${approximateDuration(jwksMaxAge)} longer (jwksMaxAge)`;
}

function afterwards(
  retired: readonly (FoundKey | RememberedKey)[],
  results: readonly KeysetResult[],
  output: Output,
): void {
  if (output.json) return;
  const jwksMaxAge = Math.max(...retired.map(({ keyset }) => keyset.policy.jwksMaxAge));
  const trusted = `a verifier that can't be reached may trust the key ${untilRead({ jwksMaxAge })}`;
  // Some work is left: an outlet, a service.
  const isListed = results.some(({ problems }) => problems.some(({ block }) => block !== null));
  const again = [...new Set(retired.map((one) => ('kid' in one ? one.kid : kidOf(one))))]
    .map((kid) => `jwtrot retire --kid ${shellWord(kid)}`)
    .join('; ');
  output.say(isListed ? `${trusted}; to go on with those listed: ${again}` : trusted, 'warning');
}
