import { Command, CommanderError, type OutputConfiguration } from 'commander';
import { EXIT, JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { type Add, collect, type Load, type Within } from './declare.js';
import type { Environment } from './environment.js';
import { graceOver } from './grace.js';
import { assertValues, joinValues } from './join-values.js';
import { EXIT_CODES } from './output/exit-codes.js';
import { Output } from './output/output.js';
import { setupVerbs } from './setup-verbs.js';
import { storeVerbs } from './store-verbs.js';
import { usageFailure } from './usage-failure.js';
import type { GlobalOptions, Verb } from './verb.js';
import { verbs } from './verbs.js';
import { VERSION } from './version.js';

/** Verbs that change something. The system's log records each start. */
const CHANGING: ReadonlySet<string> = new Set([
  'rotate',
  'sync',
  'retire',
  'rollback',
  'import',
  'restore',
  'recover',
  'systemd',
  'cron',
]);

/** Says what was started, and by whom. */
function startText({ argv, env, uid }: Environment): string {
  const sudo = env['SUDO_USER'] === undefined ? '' : `, by sudo for ${quoteOutside(env['SUDO_USER'])}`;
  return `started by user ${uid}${sudo}: ${quoteOutside(['jwtrot', ...argv].join(' '))}`;
}

/** Parses the command line and runs the verb. @returns the exit code */
export async function runCli(argv: readonly string[], environment: Environment): Promise<number> {
  let exit = EXIT.done as number;
  const program = createProgram(
    (verb, options) => async () => {
      exit = await verb(options(), environment, output);
    },
    { writeOut: (text) => output.help().writeOut(text), writeErr: (text) => output.help().writeErr(text) },
  );
  const words = joinValues(argv, program);
  const output = new Output(environment, globalsIn(words));
  const isCheck = words.includes('--check');
  try {
    assertValues(argv, program);
    await Promise.race([program.parseAsync(words, { from: 'user' }), graceOver(environment)]);
    return exit;
  } catch (error) {
    const stop = error instanceof CommanderError ? error : null;
    if (stop?.exitCode === 0) return EXIT.done;
    // The help itself is on standard error already.
    if (stop?.code === 'commander.help' && !output.json) return EXIT.usage;
    const failure = stop === null ? error : usageFailure(stop, program, words);
    // A monitoring plugin has its own exit codes: UNKNOWN for its own errors, CRITICAL for an unreachable store.
    if (isCheck && failure instanceof JwtrotError) return output.check(failure);
    return output.failure(failure);
  } finally {
    await output.end();
  }
}

/** The global options, found without a parser: errors of the command line must respect them, too. */
export function globalsIn(argv: readonly string[]): GlobalOptions {
  return {
    json: argv.includes('--json'),
    color: !argv.includes('--no-color'),
    // Alone, or joined with other options that take no value: `-nq`.
    quiet: argv.some((word) => word === '--quiet' || /^-[nyq]*q[nyq]*$/.test(word)),
    verbose: argv.includes('--verbose'),
    debug: argv.includes('--debug'),
  };
}

type Bind = <T>(verb: Verb<T>, options: () => T & GlobalOptions) => () => Promise<void>;

function createProgram(bind: Bind, help: OutputConfiguration): Command {
  const program = new Command('jwtrot')
    .description('Rotates the keys that sign JSON Web Tokens, with no token rejected on the way.')
    .version(VERSION, '-V, --version')
    .option(
      '-c, --config <file>',
      'configuration (default: $JWTROT_CONFIG, then the user’s, then /etc/jwtrot/jwtrot.yaml)',
    )
    .option('-k, --keyset <name>', 'only this keyset (may be repeated)', collect)
    .option('--json', 'one JSON document on standard output')
    .option('--no-color', 'no colours (NO_COLOR holds too)')
    .option('-q, --quiet', 'no progress, only results that matter')
    .option('--verbose', 'everything: a line for each instance, however many; setup --dry-run: every file whole')
    .option('--debug', 'stack traces')
    .addHelpText('after', EXIT_CODES)
    // Verbs inherit what follows.
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, helpWidth: Number.MAX_SAFE_INTEGER })
    .exitOverride()
    .configureOutput(help);

  const within: Within = (name, summary, parent = program) => parent.command(name).description(summary);
  const verb: Add = <T>(name: string, load: Load<T>, summary: string, parent = program) => {
    const command = within(name, summary, parent);
    const lazy: Verb<T> = async (options, environment, out) => {
      const { dryRun } = options as { dryRun?: boolean };
      // The process that only watches over `retire` leaves the log to the worker.
      const isWatcher = name === 'retire' && environment.supervisor === null;
      if (CHANGING.has(name) && dryRun !== true && !isWatcher) await out.logAlso(startText(environment));
      return (await load(environment))(options, environment, out);
    };
    const given = () => ({ ...command.optsWithGlobals<T & GlobalOptions>(), args: command.args });
    return command.action(() => bind(lazy, given)());
  };

  verbs(verb);
  setupVerbs(within, verb);
  storeVerbs(within, verb);
  return program;
}
