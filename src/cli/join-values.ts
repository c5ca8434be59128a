import type { Command, Option } from 'commander';
import { JwtrotError } from '../keyset/basics/error.js';

/**
 * Joins each option that needs a value with the next word: `--kid -Vabc` becomes `--kid=-Vabc`. About one kid in a
 * hundred begins with `-`, and commander would take `-Vabc` for `--version`.
 */
export function joinValues(argv: readonly string[], program: Command): string[] {
  const joined: string[] = [];
  let command = program;
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i] ?? '';
    if (word === '--') return [...joined, ...argv.slice(i)];
    const value = argv[i + 1];
    if (value !== undefined && optionOf(word, command, program)?.required === true) {
      joined.push(word.startsWith('--') ? `${word}=${value}` : `${word}${value}`);
      i += 1;
      continue;
    }
    if (!word.startsWith('-')) command = command.commands.find((one) => one.name() === word) ?? command;
    joined.push(word);
  }
  return joined;
}

/** @throws JwtrotError `bad-usage` (exit 2): an option stands where the value of another one belongs */
export function assertValues(argv: readonly string[], program: Command): void {
  for (const word of joinValues(argv, program)) {
    if (word === '--') return;
    const [, option, value] = /^(--[a-z-]+)=(--[a-z-]+)$/.exec(word) ?? [];
    if (option === undefined || value === undefined || !isLong(value, program)) continue;
    if (!argv.some((one, i) => one === option && argv[i + 1] === value)) continue;
    throw new JwtrotError('usage', 'bad-usage', `${option} has no value: ${value} is an option itself`, {
      hint: `give it one; if ${value} is what you mean: ${word}`,
    });
  }
}

function isLong(word: string, program: Command): boolean {
  const all = (command: Command): boolean =>
    command.options.some(({ long }) => long === word) || command.commands.some(all);
  return word === '--help' || all(program);
}

/** Options of the whole program may stand before or after the verb. */
function optionOf(word: string, command: Command, program: Command): Option | undefined {
  return [...command.options, ...program.options].find(({ long, short }) => word === long || word === short);
}
