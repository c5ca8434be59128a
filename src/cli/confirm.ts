import { createInterface } from 'node:readline/promises';
import { JwtrotError } from '../keyset/error.js';
import type { Environment } from './environment.js';

/** Goes on with `--yes` or a person's yes. @throws JwtrotError `not-confirmed` (exit 2) */
export async function confirm(
  question: string,
  options: { readonly yes?: boolean | undefined; readonly isInputTaken?: boolean },
  { stdin, stderr, signal }: Environment,
): Promise<void> {
  if (options.yes === true) return;
  if (stdin.isTTY !== true || options.isInputTaken === true) {
    throw new JwtrotError('usage', 'not-confirmed', 'there is no terminal to ask on; nothing was changed', {
      hint: 'run it again with --yes',
    });
  }
  const prompt = createInterface({ input: stdin, output: stderr as unknown as NodeJS.WritableStream });
  try {
    const answer = await prompt.question(`${question} [y/N] `, { signal });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    prompt.close();
  }
  throw new JwtrotError('usage', 'not-confirmed', 'not confirmed; nothing was changed');
}
