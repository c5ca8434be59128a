import { apply, type Change, compare } from './files.js';
import type { SetupFile } from './render.js';
import { commandOf, runSteps, type Step } from './step.js';

/** Everything that setup will do. */
export interface SetupPlan {
  readonly files: readonly SetupFile[];
  /** Of these paths, setup removes those that are not in `files`, if it wrote them. */
  readonly managed: readonly string[];
  /** Steps before files are removed. */
  readonly before: readonly Step[];
  /** Steps for the user and its directories, before its KEK. */
  readonly account: readonly Step[];
  /** Steps after everything else. */
  readonly after: readonly Step[];
  /** The path of the KEK to make; null: none. */
  readonly kek: string | null;
  readonly makeKek: (signal: AbortSignal) => Promise<void>;
  /** What this user can't do, and what setup did not check. */
  readonly notes: () => Promise<readonly string[]>;
  /** What the person does next. */
  readonly next: readonly string[];
}

/** The result of a plan, or of its dry run. */
export interface SetupOutcome {
  readonly changes: readonly Change[];
  /** Written for a shell. */
  readonly commands: readonly string[];
  readonly notes: readonly string[];
}

/** Carries out the plan. A dry run only reports it. */
export async function carryOut(plan: SetupPlan, dryRun: boolean, signal: AbortSignal): Promise<SetupOutcome> {
  const changes = await compare(plan.files, plan.managed, '/');
  if (!dryRun) {
    await runSteps(plan.before, signal);
    await apply(changes, '/');
    await runSteps(plan.account, signal);
    await plan.makeKek(signal);
    await runSteps(plan.after, signal);
  }
  const commands = [...plan.before, ...plan.account, ...plan.after].map(commandOf);
  return { changes, commands, notes: await plan.notes() };
}
