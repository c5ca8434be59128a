import { EXIT } from '../../keyset/error.js';
import type { Environment } from '../environment.js';
import type { Output } from '../output/output.js';
import { apply, type Change, compare } from './files.js';
import { runSteps } from './host.js';
import type { SetupFile } from './render.js';

export type Step = readonly [string, ...string[]];

/** What setup is to do. */
export interface SetupPlan {
  readonly files: readonly SetupFile[];
  /** Of these paths those that are not in `files` go, if setup wrote them. */
  readonly managed: readonly string[];
  /** Before files are removed. */
  readonly before: readonly Step[];
  /** The user and its directories, before its KEK. */
  readonly account: readonly Step[];
  /** When all is there. */
  readonly after: readonly Step[];
  /** The KEK that will be made; null when there is nothing to make. */
  readonly kek: string | null;
  readonly makeKek: (signal: AbortSignal) => Promise<void>;
  /** What this user can't do, and what was not looked for. */
  readonly notes: () => Promise<readonly string[]>;
  /** What comes next, for a person. */
  readonly next: readonly string[];
}

const WORDS: Readonly<Record<Change['type'], readonly [would: string, did: string]>> = {
  create: ['would create', 'created'],
  update: ['would update', 'updated'],
  remove: ['would remove', 'removed'],
  keep: ['unchanged', 'unchanged'],
};

/** Shows the plan, and unless it is a dry run does it. @returns the exit code */
export async function carryOut(
  plan: SetupPlan,
  dryRun: boolean,
  { signal }: Environment,
  output: Output,
): Promise<number> {
  const changes = await compare(plan.files, plan.managed, '/');
  if (!dryRun) {
    await runSteps(plan.before, signal);
    await apply(changes, '/');
    await runSteps(plan.account, signal);
    await plan.makeKek(signal);
    await runSteps(plan.after, signal);
  }
  const notes = await plan.notes();
  const commands = [...plan.before, ...plan.account, ...plan.after].map((argv) => argv.join(' '));
  if (output.json) {
    output.document({
      schema: 1,
      dryRun,
      files: changes.map(({ path, type }) => ({ path, change: type })),
      commands,
      kek: plan.kek,
      notes,
    });
    return EXIT.done;
  }
  show(changes, plan, dryRun, commands, output);
  for (const note of notes) output.say(`note: ${note}`, 'warning');
  if (!dryRun && !output.quiet) for (const line of plan.next) output.result(line);
  return EXIT.done;
}

function show(
  changes: readonly Change[],
  plan: SetupPlan,
  dryRun: boolean,
  commands: readonly string[],
  output: Output,
): void {
  const word = (type: Change['type']) => WORDS[type][dryRun ? 0 : 1];
  for (const { path, type, file } of changes) {
    if (type === 'keep') continue;
    output.result(`${word(type)} ${path}`);
    if (dryRun && file !== null) output.result(indent(file.text));
  }
  const kept = changes.filter(({ type }) => type === 'keep').length;
  if (kept > 0) output.result(`unchanged: ${kept} file${kept === 1 ? '' : 's'}`);
  if (plan.kek !== null) output.result(`${dryRun ? 'would make' : 'made'} the KEK ${plan.kek}`);
  for (const command of commands) output.result(`${dryRun ? 'would run' : 'ran'} ${command}`);
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, '    ');
}
