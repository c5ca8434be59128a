import { EXIT, type ExitCode, JwtrotError } from '../../keyset/basics/error.js';
import type { NamedKey, RecoveryRequest } from '../../keyset/recovery/evidence.js';
import { type Recovery, recover } from '../../keyset/recovery/recovery.js';
import type { RecoveryRefusal } from '../../keyset/recovery/refusals.js';
import type { KeysetContext } from '../../rollout/context.js';
import { type Gathered, gather, type RecoveryTools } from '../../rollout/gather.js';
import { carryOutRecovery } from '../../rollout/recover.js';
import { confirm } from '../confirm.js';
import { openContexts } from '../contexts.js';
import { onlyKeyset } from '../only-keyset.js';
import { type Opened, open } from '../open.js';
import { errorDocument } from '../output/describe-error.js';
import type { Output } from '../output/output.js';
import { recoveryDocument, recoveryTables } from '../output/recovery.js';
import { nextCommand, stepsText } from '../output/recovery-text.js';
import { type RecoverOptions, recoverHintFor } from '../store/recover-hint.js';
import { recoveryTools } from '../store/recovery-tools.js';
import { assertThumbprints, completed, completedThumbprints, readRetired } from '../store/retired-option.js';
import type { GlobalOptions, Verb } from '../verb.js';

/** One keyset: what was found, and what to do. */
interface Found {
  readonly context: KeysetContext;
  readonly tools: RecoveryTools;
  readonly gathered: Gathered;
  readonly recovery: Recovery;
  readonly refusal: RecoveryRefusal | null;
  /** The command to run afterwards; null: there is nothing to do. */
  readonly next: string | null;
}

/** `jwtrot store recover`: makes one history again from what store, host, outlets and services know. */
export const storeRecover: Verb<RecoverOptions> = async (options, environment, output) => {
  assertThumbprints(options.adopt ?? []);
  const opened = await open(options, environment);
  // These options name keys of one keyset.
  if ((options.retired ?? options.adopt) !== undefined) onlyKeyset(opened, 'store recover');
  const named = await readRetired(options.retired ?? []);
  const contexts = await openContexts(opened, environment, output, 'store recover');
  const found: Found[] = [];
  for (const context of contexts) found.push(await findOut(context, named, options, opened));
  if (!output.json) show(found, opened, output);
  const refused = found.find(({ refusal }) => refusal !== null);
  if (refused !== undefined) return refuse(refused, found, options, output);
  const due = found.filter(({ recovery }) => !recovery.isNothing);
  if (options.dryRun !== true && due.length > 0) {
    await confirm('Do this now?', options, environment);
    for (const { context, tools, gathered, recovery } of due) {
      await carryOutRecovery(context, tools, gathered, recovery);
      if (!output.json) output.result(`${context.name}: recovered`);
    }
  }
  return report(found, options, output);
};

async function findOut(
  context: KeysetContext,
  named: readonly NamedKey[],
  options: RecoverOptions,
  opened: Opened,
): Promise<Found> {
  const tools = recoveryTools(context);
  const gathered = await gather(context, tools);
  const { evidence } = gathered;
  const nothing: RecoveryRequest = { retired: [], noneRetired: options.noneRetired === true, adopt: [] };
  const known = recover(evidence, nothing).recovery.fates.map((fate) => fate.known);
  const retired = completed(
    named,
    known.map(({ kid }) => kid),
  );
  const adopt = completedThumbprints(
    options.adopt ?? [],
    known.map(({ thumbprint }) => thumbprint),
  );
  const { recovery, refusal } = recover(evidence, { ...nothing, retired, adopt });
  const host = evidence.manifest?.host ?? null;
  const isElsewhere = context.bound && host !== null && host.id !== context.host.self.host;
  const keyset = opened.configuration.keysets.length > 1 ? context.name : null;
  const next = recovery.isNothing ? null : nextCommand(recovery, isElsewhere, keyset);
  return { context, tools, gathered, recovery, refusal, next };
}

function show(found: readonly Found[], { store }: Opened, output: Output): void {
  for (const { gathered, recovery, refusal } of found) {
    const { evidence } = gathered;
    output.block(`${recoveryTables(evidence, recovery, store.description, output)}\n\n`);
    for (const { kid, services } of recovery.strange) {
      output.say(`${services.join(', ')}: reports a key that nobody here knows: ${JSON.stringify(kid)}`, 'warning');
    }
    if (refusal !== null) continue;
    if (recovery.isNothing) output.result(`${evidence.keyset}: nothing has to be recovered`);
    else
      for (const line of ['going to:', ...stepsText(recovery, evidence).map((step) => `- ${step}`)])
        output.result(line);
  }
}

function refuse(
  { context, refusal }: Found,
  found: readonly Found[],
  options: RecoverOptions & GlobalOptions,
  output: Output,
): ExitCode {
  if (refusal === null) return EXIT.done;
  const error = new JwtrotError(
    'refused',
    refusal.code,
    `keyset ${context.name}: ${refusal.message}; nothing was changed`,
    { hint: recoverHintFor(refusal, { ...options, ...(found.length > 1 ? { keyset: [context.name] } : {}) }) },
  );
  if (output.json) output.document(documentOf(found, options, error));
  return output.json ? error.exit : (output.failure(error) as ExitCode);
}

function report(found: readonly Found[], options: RecoverOptions, output: Output): ExitCode {
  if (output.json) {
    output.document(documentOf(found, options, null));
    return EXIT.done;
  }
  for (const { next } of found) if (next !== null) output.next(next);
  return EXIT.done;
}

function documentOf(found: readonly Found[], options: RecoverOptions, error: JwtrotError | null): object {
  const keysets = found.map(({ gathered, recovery, next }) => recoveryDocument(gathered.evidence, recovery, next));
  return {
    schema: 1,
    dryRun: options.dryRun === true,
    keysets,
    ...(error === null ? {} : { error: errorDocument(error) }),
  };
}
