import { JwtrotError } from '../keyset/basics/error.js';
import { runCommand } from '../outside/command.js';
import { shellWord } from './escape.js';

type Argv = readonly [string, ...string[]];

/** A command, or something setup does itself on open descriptors, with the command it stands for. */
export type Step = Argv | { readonly likeCommand: Argv; readonly carryOut: () => Promise<void> };

export function commandOf(step: Step): string {
  return ('likeCommand' in step ? step.likeCommand : step).map(shellWord).join(' ');
}

/** Runs the steps that put the files into effect. Each can be repeated. @throws JwtrotError `setup-failed` */
export async function runSteps(steps: readonly Step[], signal: AbortSignal): Promise<void> {
  for (const step of steps) {
    if ('likeCommand' in step) {
      await step.carryOut();
      continue;
    }
    const result = await runCommand({ argv: step, env: [] }, { timeout: 120_000, signal, env: {} });
    if (result.ok) continue;
    throw new JwtrotError('services', 'setup-failed', `${commandOf(step)}: ${result.reason}; the files are written`, {
      hint: 'see to it and run the same command again: what is done already is not done twice',
    });
  }
}
