import type { Command, CommanderError } from 'commander';
import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside, shellWord } from '../keyset/basics/outside-text.js';

/** What is wrong with the command line, in our words. */
export function usageFailure(error: CommanderError, program: Command, argv: readonly string[]): JwtrotError {
  // Commander puts its suggestion on a separate line.
  const told = error.code === 'commander.help' ? 'no verb was given' : error.message;
  const message = told.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\)$/s, '; did you mean $1');
  const verbs = verbsIn(program, argv);
  const hint = ['jwtrot', ...verbs, '--help'].join(' ');
  return kidAlone(error, verbs, argv) ?? new JwtrotError('usage', 'bad-usage', message, { hint });
}

/** `retire KID`: at night people forget the option's name. */
function kidAlone({ code }: CommanderError, verbs: readonly string[], argv: readonly string[]): JwtrotError | null {
  if (code !== 'commander.excessArguments' || verbs.join(' ') !== 'retire') return null;
  const [word, ...more] = argv.filter((one) => !one.startsWith('-') && one !== 'retire');
  if (word === undefined || more.length > 0 || argv.some((one) => /^--(?:kid|key)(?:=|$)/.test(one))) return null;
  const line = argv.map((one) => (one === word ? `--kid ${shellWord(word)}` : shellWord(one)));
  const message = `retire names its key by --kid or --key, not by ${quoteOutside(word)} alone; nothing was changed`;
  return new JwtrotError('usage', 'bad-usage', message, { hint: ['jwtrot', ...line].join(' ') });
}

/** The words of the command line that name verbs: `store backup`. */
function verbsIn(program: Command, argv: readonly string[]): string[] {
  let command = program;
  return argv.filter((word) => {
    const found = command.commands.find((one) => one.name() === word);
    command = found ?? command;
    return found !== undefined;
  });
}
