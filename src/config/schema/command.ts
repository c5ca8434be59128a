import * as v from 'valibot';
import { quoteOutside } from '../../keyset/basics/outside-text.js';
import type { Command } from '../../outside/command.js';
import { list, type Schema } from './fields.js';
import { text } from './scalars.js';

const PROGRAM = 'an absolute path or a bare name that is found in the fixed PATH';

/** A variable's name only. The message doesn't quote the input, since a user may have written the secret value too. */
const variable: Schema<string> = v.custom<string>(
  (name) => typeof name === 'string' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name),
  'must be the name of an environment variable, without its value',
);

export const variables: Schema<string[]> = list(variable, 'a list of names of environment variables');

const argument = text('text (numbers in quotes)', (argument) => !argument.includes('\0'));

/** @param addressProblem why `{address}` can't be filled in and so is refused; null when it can be */
export function argumentList(addressProblem: string | null): Schema<Command['argv']> {
  const checked = v.pipe(
    argument,
    v.check((value) => addressProblem === null || !value.includes('{address}'), addressProblem ?? ''),
  );
  return v.pipe(
    list(checked, 'a list of the program and its arguments such as [/usr/bin/systemctl, reload, api]', 1),
    v.rawCheck(({ dataset, addIssue }) => {
      const [program] = dataset.value as unknown[];
      if (typeof program !== 'string' || isProgram(program)) return;
      addIssue({ message: `the program must be ${PROGRAM}, got ${quoteOutside(program)}` });
    }),
    v.transform((argv) => argv as [string, ...string[]]),
  );
}

function isProgram(program: string): boolean {
  return program.startsWith('/') || /^[A-Za-z0-9_][^/\s]*$/.test(program);
}
