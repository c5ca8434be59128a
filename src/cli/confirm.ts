import { createInterface } from 'node:readline/promises';
import { JwtrotError } from '../keyset/basics/error.js';
import type { Environment } from './environment.js';
import { Interrupted } from './interrupted.js';

/** Returns with `--yes`, or once a person says yes. @throws JwtrotError `not-confirmed` (exit 2) */
export async function confirm(
  question: string,
  options: { readonly yes?: boolean | undefined; readonly isInputTaken?: boolean },
  { stdin, stderr, signal, supervisor }: Environment,
): Promise<void> {
  if (options.yes === true) return;
  if (stdin.isTTY !== true || options.isInputTaken === true) {
    throw new JwtrotError('usage', 'not-confirmed', 'there is no terminal to ask on; nothing was changed', {
      hint: 'run it again with --yes',
    });
  }
  supervisor?.tell({ type: 'asking' });
  const prompt = createInterface({ input: stdin, output: stderr as unknown as NodeJS.WritableStream });
  try {
    const answer = await prompt.question(`${question} [y/N] `, { signal });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } catch (error) {
    if (signal.aborted) throw new Interrupted(signal.reason.by, true);
    // During a question Ctrl-C sends no signal: readline takes it as a key.
    if (error instanceof Error && error.message.endsWith('Ctrl+C')) throw new Interrupted('SIGINT', true);
  } finally {
    prompt.close();
  }
  throw new JwtrotError('usage', 'not-confirmed', 'not confirmed; nothing was changed');
}
