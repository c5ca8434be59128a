import { NOTHING_ASKED, type Request } from '../../keyset/action.js';
import { EXIT } from '../../keyset/error.js';
import { createLinuxHost } from '../../outside/linux-host.js';
import type { KeysetContext } from '../../rollout/context.js';
import { type KeysetResult, planKeyset, rotateKeyset, worstExit } from '../../rollout/rotate.js';
import { openContexts } from '../contexts.js';
import { open } from '../open.js';
import type { Output } from '../output/output.js';
import { printResults } from '../output/results.js';
import { actionText } from '../output/words.js';
import type { Verb } from '../verb.js';

interface RotateOptions {
  readonly force?: boolean;
  readonly immediate?: boolean;
  readonly changeAlg?: boolean;
  readonly takeOver?: boolean;
  readonly acceptClock?: boolean;
  readonly dryRun?: boolean;
  /** Milliseconds. */
  readonly splay?: number;
}

/** `jwtrot rotate`: what is due, keyset by keyset. One that fails does not stop the others. */
export const rotate: Verb<RotateOptions> = async (options, environment, output) => {
  const opened = await open(options, environment);
  const request: Request = {
    ...NOTHING_ASKED,
    force: options.force === true || options.immediate === true,
    immediate: options.immediate === true,
    changeAlg: options.changeAlg === true,
    takeOver: options.takeOver === true,
    acceptClock: options.acceptClock === true,
  };
  // The configuration was read first: what is wrong in it is not found out half an hour later.
  if (options.splay !== undefined) await environment.clock.sleep(splayOf(options.splay), environment.signal);
  const contexts = await openContexts(opened, environment, output, 'rotate');
  if (options.dryRun === true) return dryRun(contexts, request, output);
  const results: KeysetResult[] = [];
  for (const context of contexts) {
    results.push(await rotateKeyset(context, request));
    if (environment.signal.aborted) break;
  }
  return printResults(results, opened, environment, output);
};

/** The same on every run of this host, as `FixedRandomDelay=` has it: an odd time in a log then means something. */
function splayOf(most: number): number {
  return Math.floor((Number.parseInt(createLinuxHost().self.host.slice(0, 8), 16) / 2 ** 32) * most);
}

async function dryRun(contexts: readonly KeysetContext[], request: Request, output: Output): Promise<number> {
  const keysets = [];
  const exits: (typeof EXIT)[keyof typeof EXIT][] = [];
  for (const context of contexts) {
    const { actions, refusal, manifest } = await planKeyset(context, request);
    keysets.push({
      name: context.name,
      actions,
      active: manifest?.keys.find((key) => key.state === 'active')?.kid ?? null,
    });
    exits.push(refusal === null ? EXIT.done : EXIT.refused);
    if (output.json) continue;
    if (actions.length === 0 && refusal === null) output.result(`${context.name}: nothing is due`);
    for (const action of actions) output.result(`${context.name}: would ${actionText(action)}`);
    if (refusal !== null) output.problem(refusal.message, refusal.hint);
  }
  if (output.json) output.document({ schema: 1, dryRun: true, keysets });
  return worstExit(exits);
}
