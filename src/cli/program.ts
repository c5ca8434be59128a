import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type Duration, MINUTE } from '../keyset/clock.js';
import { parseDuration } from '../keyset/duration.js';
import { EXIT, JwtrotError } from '../keyset/error.js';
import { jwks } from './commands/jwks.js';
import { status } from './commands/status.js';
import type { Environment } from './environment.js';
import { graceOver } from './grace.js';
import { Output } from './output/output.js';
import type { GlobalOptions, Verb } from './verb.js';
import { VERSION } from './version.js';

const EXIT_CODES = `
Exit codes:
  0    done, or nothing was due
  1    a failure nobody foresaw
  2    usage or configuration is wrong; nothing was touched
  3    the store or KMS can't be reached or said no
  4    services did not confirm, or a back-off after that runs
  5    refused for safety: damaged, unknown or foreign keys, a wrong clock, another host's keyset, the only key
  75   another run holds the lease; try later
  130, 143  interrupted; what was done stands, the next run goes on`;

function duration(text: string): Duration {
  const parsed = parseDuration(text);
  if (parsed === null) throw new InvalidArgumentError('Not a duration such as 90s, 2m or 1h.');
  return parsed;
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** Parses the command line and carries the verb out. @returns the exit code */
export async function runCli(argv: readonly string[], environment: Environment): Promise<number> {
  const output = new Output(environment, globalsIn(argv));
  let exit = EXIT.done as number;
  const program = createProgram(
    (verb, options) => async () => {
      exit = await verb(options(), environment, output);
    },
    output,
  );
  try {
    await Promise.race([program.parseAsync([...argv], { from: 'user' }), graceOver(environment)]);
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) return commanderExit(error, output, argv);
    // A monitoring plugin knows its own codes only: its own errors are UNKNOWN, an unreachable store is CRITICAL.
    if (argv.includes('--check') && error instanceof JwtrotError) return output.check(error);
    return output.failure(error);
  } finally {
    output.end();
  }
}

/** Errors of the command line itself are printed as asked, too. */
function globalsIn(argv: readonly string[]): GlobalOptions {
  return {
    json: argv.includes('--json'),
    color: !argv.includes('--no-color'),
    quiet: argv.includes('--quiet'),
    debug: argv.includes('--debug'),
  };
}

function commanderExit(error: CommanderError, output: Output, argv: readonly string[]): number {
  if (error.exitCode === 0) return EXIT.done;
  if (error.code === 'commander.help') return EXIT.usage;
  const message = error.message.replace(/^error: /, '');
  const verb = argv.find((word) => !word.startsWith('-'));
  const hint = `jwtrot ${error.code === 'commander.unknownCommand' || verb === undefined ? '' : `${verb} `}--help`;
  return output.failure(new JwtrotError('usage', 'bad-usage', message, { hint }));
}

type Bind = <T>(verb: Verb<T>, options: () => T & GlobalOptions) => () => Promise<void>;

function createProgram(bind: Bind, output: Output): Command {
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
    .option('--debug', 'stack traces')
    .addHelpText('after', EXIT_CODES)
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput(output.help());

  const verb = <T>(name: string, load: () => Promise<Verb<T>>, summary: string) => {
    const command = program
      .command(name)
      .description(summary)
      .configureHelp({ showGlobalOptions: true })
      .exitOverride()
      .configureOutput(output.help());
    const lazy: Verb<T> = async (options, environment, out) => (await load())(options, environment, out);
    return command.action(() =>
      bind(lazy, () => ({ ...command.optsWithGlobals<T & GlobalOptions>(), args: command.args }))(),
    );
  };

  verb('rotate', async () => (await import('./work.js')).rotate, 'do what is due: stage, activate, retire, destroy')
    .option('--force', 'a rotation is due now, whatever the age or the back-off')
    .option('--immediate', 'like --force, and without waiting publishAhead; never without the gate')
    .option('--change-alg', 'let the next key have the algorithm that the configuration now names')
    .option('--take-over', 'move the keyset to this host')
    .option('--accept-clock', 'this host’s clock is right, whatever the newest event or the store’s own clock says')
    .option('--splay <duration>', 'wait up to so long first, on each host its own time: for cron', duration)
    .option('-n, --dry-run', 'print the plan and touch nothing')
    .addHelpText('after', '\nExamples:\n  $ jwtrot rotate\n  $ jwtrot rotate --keyset api --force --dry-run');
  verb('sync', async () => (await import('./work.js')).sync, 'write the outlets of this host from the manifest').option(
    '--accept-older',
    'write although a later revision was written before (after a restore)',
  );
  verb('status', async () => status, 'keys, states, ages, what comes next and when')
    .option('--check', 'as a Nagios/Icinga plugin: one line, exit 0, 1, 2 or 3')
    .option('--probe', 'ask each instance what it reports now');
  verb('retire', async () => (await import('./work.js')).retire, 'end the publication of a key: the incident command')
    .option('--kid <kid>', 'the key; 8 or more characters of its kid are enough when they are unique')
    .option('--key <file>', 'find the key from the leaked PEM or JWK itself; - reads standard input')
    .addOption(
      new Option('--reason <reason>', 'goes into the manifest')
        .choices(['compromised', 'superseded', 'expired', 'failed'])
        .default('compromised'),
    )
    .addOption(
      new Option('--deadline <duration>', 'bounds the exposure: then nobody is waited for')
        .argParser(duration)
        .default(2 * MINUTE, '2m'),
    )
    .option('--no-replacement', 'publish without it even if no key is left')
    .option('--purge', 'delete its secret at once, without the recovery window')
    .option('--take-over', 'move the keyset to this host first')
    .option('-y, --yes', 'do not ask')
    .addHelpText(
      'after',
      '\nExamples:\n  $ jwtrot retire --kid kQ3xPz0a\n  $ jwtrot retire --key leaked.pem --yes --deadline 30s',
    );
  verb('rollback', async () => (await import('./work.js')).rollback, 'go back to the key that signed before')
    .option('-y, --yes', 'do not ask')
    .addHelpText(
      'after',
      '\nWhile the former key is in the JWKS it can sign again; the present one verifies until its last token has expired.' +
        '\n\nExamples:\n  $ jwtrot rollback --keyset api',
    );
  verb(
    'import',
    async () => (await import('./work.js')).importKey,
    'adopt the key in use today, so that no token is rejected',
  )
    .option('--pem <file>', 'a private key in PEM; - reads standard input')
    .option('--jwk <file>', 'a private key as JWK; - reads standard input')
    .option('--public <file>', 'a public key (PEM or JWK) that only verifies; - reads standard input')
    .option('--kid <kid>', 'the kid that tokens carry today (default: the JWK’s, else the RFC 7638 thumbprint)')
    .option('--alg <alg>', 'its algorithm, where the key does not say (default: the configuration’s, if it fits)');
  verb('jwks', async () => jwks, 'the public JWK Set on standard output').option(
    '--pem',
    'the active key’s public half as PEM',
  );
  verb('setup', async () => (await import('./commands/setup.js')).setup, 'install a timer for this configuration')
    .addArgument(new Argument('<system>', 'what starts jwtrot').choices(['systemd', 'cron']))
    .option('-n, --dry-run', 'print what would be written and run, and touch nothing')
    .option('--uninstall', 'remove what setup wrote; keys, KEK and user stay')
    .addOption(new Option('--splay <duration>', 'with cron: spread runs over so long').argParser(duration))
    .addHelpText('after', '\nExamples:\n  $ jwtrot setup systemd --dry-run\n  $ jwtrot setup systemd --keyset api');
  return program;
}
