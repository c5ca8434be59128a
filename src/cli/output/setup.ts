import type { SetupOutcome, SetupPlan } from '../../setup/carry-out.js';
import type { Change } from '../../setup/files.js';
import type { Output } from './output.js';

const WORDS: Readonly<Record<Change['type'], readonly [would: string, did: string]>> = {
  create: ['would create', 'created'],
  update: ['would update', 'updated'],
  remove: ['would remove', 'removed'],
  keep: ['unchanged', 'unchanged'],
};

export interface SetupShown {
  readonly dryRun: boolean;
  /** Show whole files in a dry run. */
  readonly verbose: boolean;
}

/** Prints what setup did or would do: lines, or the one document. */
export function printSetup(plan: SetupPlan, outcome: SetupOutcome, shown: SetupShown, output: Output): void {
  const { changes, commands, notes } = outcome;
  const { dryRun } = shown;
  if (output.json) {
    const files = changes.map(({ path, type }) => ({ path, change: type }));
    output.document({ schema: 1, dryRun, files, commands, kek: plan.kek, notes });
    return;
  }
  show(plan, outcome, shown, output);
  for (const note of notes) output.say(`note: ${note}`, 'warning');
  if (!dryRun && !output.quiet) for (const line of plan.next) output.result(line);
}

function show(
  plan: SetupPlan,
  { changes, commands }: SetupOutcome,
  { dryRun, verbose }: SetupShown,
  output: Output,
): void {
  const word = (type: Change['type']) => WORDS[type][dryRun ? 0 : 1];
  for (const { path, type, file } of changes) {
    if (type === 'keep') continue;
    output.result(`${word(type)} ${path}`);
    const shown = verbose ? file?.text : file?.gist;
    if (dryRun && shown !== undefined) output.block(indent(shown));
  }
  const kept = changes.filter(({ type }) => type === 'keep').length;
  if (kept > 0) output.result(`unchanged: ${kept} file${kept === 1 ? '' : 's'}`);
  if (plan.kek !== null) output.result(`${dryRun ? 'would make' : 'made'} the KEK ${plan.kek}`);
  for (const command of commands) output.result(`${dryRun ? 'would run' : 'ran'} ${command}`);
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, '    ');
}
