import { NOTHING_ASKED, type Request } from '../../keyset/action.js';
import { type Duration, MINUTE } from '../../keyset/clock.js';
import { approximateDuration } from '../../keyset/duration.js';
import type { Key, RetireReason } from '../../keyset/model.js';
import type { Policy } from '../../keyset/policy.js';
import { rotateKeyset } from '../../rollout/rotate.js';
import { confirm } from '../confirm.js';
import { openContexts } from '../contexts.js';
import type { Environment } from '../environment.js';
import { type FoundKey, findKey } from '../find-key.js';
import { open, sourceOf } from '../open.js';
import type { Output } from '../output/output.js';
import { printResults } from '../output/results.js';
import { nameKey } from '../output/words.js';
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

/** `jwtrot retire`: the worst night of somebody's year. Says what it is about to do, asks, does it within the deadline. */
export const retire: Verb<RetireOptions> = async (options, environment, output) => {
  const opened = await open(options, environment);
  const found = await findKey(opened, options, environment);
  const { keyset, key } = found;
  if (key.state === 'destroyed') {
    output.result(
      output.json ? JSON.stringify({ schema: 1, keysets: [] }) : `${keyset.name}: ${nameKey(key)} is destroyed already`,
    );
    return 0;
  }
  announce(found, options, sourceOf(opened.configuration), opened.store.description, environment, output);
  await confirm('Retire it now?', { yes: options.yes, isInputTaken: options.key === '-' }, environment);
  const request: Request = {
    ...NOTHING_ASKED,
    takeOver: options.takeOver === true,
    incidentOnly: true,
    retire: {
      kid: key.kid,
      reason: options.reason,
      deadline: options.deadline,
      noReplacement: options.replacement === false,
      purge: options.purge === true,
    },
  };
  const [context] = await openContexts({ ...opened, keysets: [keyset] }, environment, output, 'retire');
  if (context === undefined) throw new Error('a keyset that was found has no context');
  const result = await rotateKeyset(context, request);
  const exit = printResults([result], opened, environment, output);
  if (exit === 4) afterwards(keyset.policy, output);
  return exit;
};

function announce(
  { keyset, key }: FoundKey,
  options: RetireOptions,
  source: string,
  store: string,
  { clock }: Environment,
  output: Output,
): void {
  if (output.json) return;
  output.say(`configuration  ${source}`);
  output.say(`store          ${store}`);
  output.say(`key            ${keyset.name} ${nameKey(key)} (${key.alg}, ${key.state})`);
  output.say(`tokens         ${tokenLife(key, clock.now())}`);
  const how = key.state === 'active' && options.replacement ? 'a replacement signs first' : 'no replacement';
  output.say(`exposure       ends within ${approximateDuration(options.deadline)}, whoever answers; ${how}`, 'warning');
}

/** How much token life dies with the key. */
export function tokenLife(key: Key, now: number): string {
  if (key.signedFrom === null) return 'none: it has never signed';
  const last = key.signedUntil ?? now;
  const left = last + Math.max(key.maxTokenTtl, MINUTE) - now;
  if (left <= 0) return 'none: its last token has expired';
  return `those it signed are rejected from now on: up to ${approximateDuration(left)} of life dies with it`;
}

function afterwards(policy: Policy, output: Output): void {
  if (output.json) return;
  const cached = approximateDuration(policy.jwksMaxAge);
  output.say(
    `a verifier that can't be reached may trust the key for ${cached} longer (jwksMaxAge); run the command again to go on with those listed`,
    'warning',
  );
}
