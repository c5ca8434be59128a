import { EXIT, type ExitCode, JwtrotError, worstExit } from '../../keyset/basics/error.js';
import { type Action, NOTHING_ASKED, type Refusal, type Request } from '../../keyset/planning/action.js';
import { changeText } from '../../keyset/questions/key-kind.js';
import { upcoming } from '../../keyset/questions/upcoming.js';
import { hostId } from '../../outside/linux-host.js';
import { isWorthALine } from '../../rollout/carry-out.js';
import type { KeysetContext } from '../../rollout/context.js';
import { type KeysetResult, planKeyset, rotateKeyset } from '../../rollout/rotate.js';
import { openContexts } from '../contexts.js';
import { open } from '../open.js';
import { errorDocument } from '../output/describe-error.js';
import type { Output } from '../output/output.js';
import { actionDocument, backoffDocument, idleText, printResults } from '../output/results.js';
import { actionText, upcomingText } from '../output/words.js';
import { confirmTakeOver } from '../take-over.js';
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
  readonly yes?: boolean;
}

/** `jwtrot rotate`: does what is due, keyset by keyset. A keyset that fails does not stop the others. */
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
  // Read the configuration first, so that its errors do not show up half an hour later.
  if (options.splay !== undefined) await environment.clock.sleep(splayOf(options.splay), environment.signal);
  const contexts = await openContexts(opened, environment, output, 'rotate');
  if (options.dryRun === true) return dryRun(contexts, request, output);
  if (request.takeOver) await confirmTakeOver(contexts, options, environment, output);
  const results: KeysetResult[] = [];
  for (const context of contexts) {
    results.push(await rotateKeyset(context, request));
    if (environment.signal.aborted) break;
  }
  return printResults(results, opened, environment, output);
};

/** The same delay on every run of this host, like `FixedRandomDelay=`: then an odd time in a log means something. */
function splayOf(most: number): number {
  return Math.floor((Number.parseInt(hostId().slice(0, 8), 16) / 2 ** 32) * most);
}

async function dryRun(contexts: readonly KeysetContext[], request: Request, output: Output): Promise<number> {
  const keysets: object[] = [];
  const refused: object[] = [];
  const exits: ExitCode[] = [];
  for (const context of contexts) {
    const { actions, refusal, manifest, outcome, isHeldOff, problems } = await planKeyset(context, request);
    const unusable = await unusableUnits(context, actions);
    const found = [...(refusal === null ? [] : [{ kind: 'refused' as const, ...refusal }]), ...problems, ...unusable];
    const told = [...problems, ...unusable].map(({ code, message, hint }) => ({ code, message, hint }));
    const backoff = isHeldOff ? manifest?.backoff : null;
    const error = refusal === null ? {} : { error: refusalDocument(refusal) };
    if (refusal !== null) refused.push(error);
    keysets.push({
      name: context.name,
      actions: actions.map(actionDocument),
      active: manifest?.keys.find((key) => key.state === 'active')?.kid ?? null,
      problems: told.length > 0 || backoff == null ? told : [backoffDocument(backoff)],
      ...error,
    });
    exits.push(...found.map(({ kind }) => EXIT[kind]), ...(isHeldOff ? [EXIT.services] : []));
    if (output.json) continue;
    if (actions.length === 0 && refusal === null) {
      output.result(`${context.name}: ${idleText(manifest, context.policy, isHeldOff, context.clock.now())}`);
    }
    for (const action of actions.filter((one) => isWorthALine(context, one)))
      output.result(`${context.name}: would ${actionText(action)}`);
    const next =
      outcome === null || actions.length === 0 ? null : upcoming(outcome, context.policy, context.clock.now());
    if (next !== null) output.result(`${context.name}: then ${upcomingText(next, context.clock.now())}`);
    const change = manifest === null ? null : changeText(manifest, context.policy);
    if (change !== null && !request.changeAlg) output.say(`${context.name}: ${change}`, 'warning');
    for (const { message, hint } of found) output.problem(message, hint);
  }
  if (output.json) output.document({ schema: 1, dryRun: true, keysets, ...refused[0] });
  return worstExit(exits);
}

/** Units that must be reloaded for a key but can't be. Services that need them will not confirm. */
async function unusableUnits({ services, signal }: KeysetContext, actions: readonly Action[]) {
  if (!actions.some(({ type }) => type === 'confirm-verifiers' || type === 'confirm-signers')) return [];
  const { reloadsOf } = await import('../../setup/permissions.js');
  const { unitNotes } = await import('../../setup/units.js');
  const notes = await unitNotes(reloadsOf(services.map(({ service }) => service)), signal);
  return notes
    .filter(({ isUnusable }) => isUnusable)
    .map(({ text }) => ({ code: 'unconfirmed', message: text, hint: null, kind: 'services' as const }));
}

/** The error with which a run would end. */
function refusalDocument({ kind, code, message, hint }: Refusal) {
  return errorDocument(new JwtrotError(kind ?? 'refused', code, message, { hint }));
}
