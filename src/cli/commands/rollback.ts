import { approximateDuration } from '../../keyset/basics/duration.js';
import { JwtrotError } from '../../keyset/basics/error.js';
import type { Policy } from '../../keyset/basics/policy.js';
import { NOTHING_ASKED, type Refusal } from '../../keyset/planning/action.js';
import { noKeyset } from '../../keyset/planning/refusals.js';
import { type WayBack, wayBack } from '../../keyset/planning/rollback.js';
import { History } from '../../rollout/history.js';
import { rotateKeyset } from '../../rollout/rotate.js';
import { confirm } from '../confirm.js';
import { openContexts } from '../contexts.js';
import { onlyKeyset } from '../only-keyset.js';
import { open, sourceOf } from '../open.js';
import type { Output } from '../output/output.js';
import { printResults } from '../output/results.js';
import { nameKey } from '../output/words.js';
import type { Verb } from '../verb.js';

/** `jwtrot rollback`: the former key signs again. It says which key, asks, and does what an automatic rollback does. */
export const rollback: Verb<{ readonly yes?: boolean }> = async (options, environment, output) => {
  const opened = await open(options, environment);
  const keyset = onlyKeyset(opened, 'rollback');
  const [context] = await openContexts({ ...opened, keysets: [keyset] }, environment, output, 'rollback');
  if (context === undefined) throw new Error('a keyset that was found has no context');
  // Refuse an old copy of the store: its way back is no longer valid.
  const found = await (await History.open(context, 'refuse')).read();
  if (found === null) throw refused(noKeyset({ keyset: keyset.name }));
  const way = wayBack(found.manifest);
  if ('code' in way) throw refused(way);
  if (!output.json) {
    output.say(`configuration  ${sourceOf(opened.configuration)}`);
    output.say(`store          ${opened.store.description}`);
    announce(way, keyset.name, keyset.policy, output);
  }
  await confirm('Roll back now?', options, environment);
  const result = await rotateKeyset(context, { ...NOTHING_ASKED, rollback: way.to.kid });
  return printResults([result], opened, environment, output);
};

function refused({ code, message, hint }: Refusal): JwtrotError {
  return new JwtrotError('refused', code, message, { hint });
}

function announce({ from, to, givenUp, isUnderWay }: WayBack, keyset: string, policy: Policy, output: Output): void {
  if (isUnderWay) output.say('under way      a rollback has begun: this goes on with it');
  output.say(`${isUnderWay ? 'failed  ' : 'signs now'}      ${keyset} ${nameKey(from)} (${from.alg})`);
  output.say(`will sign      ${keyset} ${nameKey(to)} (${to.alg})`);
  if (givenUp !== null) output.say(`given up       ${keyset} ${nameKey(givenUp)}: it has not signed yet`, 'warning');
  const stays = approximateDuration(Math.max(from.verifyFor, policy.verifyFor) + policy.clockSkew);
  output.say(
    `tokens         those of v${from.version} verify on: it leaves the JWKS ${stays} after the last signer left it`,
  );
  output.say('next rotation  in an hour or more; jwtrot rotate --force does not wait');
}
