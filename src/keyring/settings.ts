import { ALGORITHM_NAMES, type Algorithm, isAlgorithm } from '../keyset/basics/algorithm.js';
import { type Duration, HOUR, MINUTE, SECOND } from '../keyset/basics/clock.js';
import { formatDuration, parseDuration } from '../keyset/basics/duration.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { LONGEST_DURATION } from '../keyset/basics/policy.js';
import { KEYSET_NAME } from '../keyset/manifest/model.js';
import { misuse } from './failures.js';
import type { KeyringOptions, ReloadOn, Role } from './public.js';
import { chosenSource, type SourceChoice } from './source-choice.js';

/** The options of a keyring, checked; durations are milliseconds, null where the source may know better. */
export interface Settings {
  readonly keyset: string;
  readonly role: Role;
  readonly from: SourceChoice;
  readonly reloadOn: ReadonlySet<ReloadOn>;
  readonly refresh: Duration | null;
  readonly cooldown: Duration;
  readonly maxTokenTtl: Duration | null;
  readonly staleAfter: Duration | null;
  /** Infinity: `off`. */
  readonly signStaleAfter: Duration | null;
  readonly algorithms: readonly Algorithm[] | null;
  readonly clockTolerance: Duration | null;
  readonly timeout: Duration;
}

/** Where the source doesn't know: the defaults of a policy. */
export const DEFAULTS = { staleAfter: HOUR, signStaleAfter: 24 * HOUR, refresh: 5 * MINUTE, clockTolerance: MINUTE };
/** A set that is trusted for less time than a read may take would never be trusted. */
export const SHORTEST_TRUST = 10 * SECOND;

const NAMES: ReadonlySet<string> = new Set([
  'keyset',
  'role',
  'from',
  'reloadOn',
  'refresh',
  'cooldown',
  'maxTokenTtl',
  'staleAfter',
  'signStaleAfter',
  'algorithms',
  'clockTolerance',
  'timeout',
] satisfies (keyof KeyringOptions)[]);

type Given = { readonly [Name in keyof KeyringOptions]?: unknown };

/** @throws KeyringError `bad-options`, with everything that is wrong */
export function checkOptions(options: KeyringOptions): Settings {
  const given: Given = typeof options === 'object' && options !== null ? options : {};
  const problems: string[] = [];
  const wrong = (problem: string) => void problems.push(problem);
  for (const name of Object.keys(given)) if (!NAMES.has(name)) wrong(`${quoteOutside(name)} is no option`);
  const time = (name: keyof KeyringOptions, least: Duration) => duration(given[name], name, least, wrong);
  const role = roleOf(given.role, wrong);
  const settings: Settings = {
    keyset: nameOf(given.keyset, wrong),
    role,
    from: chosenSource(given.from, role, wrong),
    reloadOn: reloadOnOf(given, wrong),
    refresh: time('refresh', SECOND),
    cooldown: time('cooldown', SECOND) ?? 30 * SECOND,
    maxTokenTtl: time('maxTokenTtl', SECOND),
    staleAfter: time('staleAfter', SHORTEST_TRUST),
    signStaleAfter: given.signStaleAfter === 'off' ? Number.POSITIVE_INFINITY : time('signStaleAfter', SHORTEST_TRUST),
    algorithms: algorithmsOf(given.algorithms, wrong),
    clockTolerance: time('clockTolerance', 0),
    timeout: time('timeout', 100) ?? 5 * SECOND,
  };
  if (problems.length > 0) throw misuse('bad-options', `openKeyring: ${problems.join('; ')}`);
  return settings;
}

type Report = (problem: string) => void;

function nameOf(given: unknown, wrong: Report): string {
  if (typeof given === 'string' && KEYSET_NAME.test(given)) return given;
  wrong("keyset must be the keyset's name, such as 'api'");
  return '';
}

function roleOf(given: unknown, wrong: Report): Role {
  if (given === 'signer' || given === 'verifier' || given === 'both') return given;
  wrong("role must be 'signer', 'verifier' or 'both'");
  return 'both';
}

function reloadOnOf({ reloadOn, from }: Given, wrong: Report): ReadonlySet<ReloadOn> {
  const hasFiles = typeof from === 'object' && from !== null && Object.hasOwn(from, 'files');
  if (reloadOn === undefined) return new Set<ReloadOn>(hasFiles ? ['change'] : []);
  const list: readonly unknown[] = Array.isArray(reloadOn) ? reloadOn : [reloadOn];
  const known = list.filter((one): one is ReloadOn => one === 'change' || one === 'SIGHUP');
  if (known.length !== list.length) wrong("reloadOn must be 'change', 'SIGHUP', or a list of them");
  else if (known.includes('change') && !hasFiles) wrong("reloadOn: 'change' is for files alone");
  return new Set(known);
}

function algorithmsOf(given: unknown, wrong: Report): readonly Algorithm[] | null {
  if (given === undefined) return null;
  if (Array.isArray(given) && given.length > 0 && given.every(isAlgorithm)) return given;
  wrong(`algorithms must be a list of ${ALGORITHM_NAMES.join(', ')}`);
  return null;
}

function duration(given: unknown, name: string, least: Duration, wrong: Report): Duration | null {
  if (given === undefined) return null;
  const parsed = typeof given === 'string' ? parseDuration(given) : null;
  if (parsed !== null && parsed >= least && parsed <= LONGEST_DURATION) return parsed;
  if (parsed === null) wrong(`${name} must be a duration such as '30s', '15m', '7d'`);
  else if (parsed < least) wrong(`${name} must be at least ${formatDuration(least)}`);
  else wrong(`${name} must be at most ${formatDuration(LONGEST_DURATION)}`);
  return null;
}
