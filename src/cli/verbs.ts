import { InvalidArgumentError, Option } from 'commander';
import { MINUTE } from '../keyset/basics/clock.js';
import { jwks } from './commands/jwks.js';
import { status } from './commands/status.js';
import { type Add, duration } from './declare.js';

/** The story itself takes about eight seconds. */
const [FEWEST_SECONDS, MOST_SECONDS] = [1, 600] as const;

/** The verbs for every day, and for the night. */
export function verbs(verb: Add): void {
  verb('rotate', async () => (await import('./work.js')).rotate, 'do what is due: stage, activate, retire, destroy')
    .option('--force', 'a rotation is due now, whatever the age or the back-off')
    .option('--immediate', 'like --force, and without waiting publishAhead; never without the gate')
    .option('--change-alg', 'let the next key have the algorithm that the configuration now names')
    .option('--take-over', 'move the keyset to this host')
    .option('-y, --yes', 'do not ask, when this host takes over a keyset that it knows nothing of')
    .option('--accept-clock', 'this host’s clock is right, whatever the newest event or the store’s own clock says')
    .option('--splay <duration>', 'wait up to so long first, on each host its own time: for cron', duration)
    .option('-n, --dry-run', 'print the plan, try outlets and units, touch nothing; exits as the run would')
    .addHelpText('after', '\nExamples:\n  $ jwtrot rotate\n  $ jwtrot rotate --keyset api --force --dry-run');
  verb('sync', async () => (await import('./work.js')).sync, 'write the outlets of this host from the manifest');
  verb('status', async () => status, 'keys, states, ages, what comes next and when')
    .option('--check', 'as a Nagios/Icinga plugin: one line, exit 0, 1, 2 or 3')
    .option('--probe', 'ask each instance what it reports now');
  verb(
    'retire',
    async ({ supervisor }) =>
      supervisor === null ? (await import('./watchdog/supervise.js')).supervise : (await import('./work.js')).retire,
    'end the publication of a key: the incident command',
  )
    .addOption(
      new Option('--kid <kid>', 'the key; 8 or more characters of its kid are enough when they are unique').argParser(
        asPrinted,
      ),
    )
    .option('--key <file>', 'find the key from the leaked PEM or JWK itself; - reads standard input')
    .addOption(
      new Option('--reason <reason>', 'goes into the manifest')
        .choices(['compromised', 'superseded', 'expired', 'failed'])
        .default('compromised'),
    )
    .addOption(
      new Option('--deadline <duration>', 'bounds the exposure: then nobody is waited for, nor the store')
        .argParser(duration)
        .default(2 * MINUTE, '2m'),
    )
    .option('--no-replacement', 'publish without it even if no key is left')
    .option('--purge', 'delete its secret at once, without the recovery window')
    .option('--take-over', 'move the keyset to this host first')
    .option('-y, --yes', 'do not ask')
    .addHelpText(
      'after',
      '\nExit codes, beside those of jwtrot --help:' +
        '\n  4    something is still open (a service has not confirmed; the store or an outlet failed): give the same command again' +
        '\n\nExamples:\n  $ jwtrot retire --kid kQ3xPz0a\n  $ jwtrot retire --key leaked.pem --yes --deadline 30s',
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
  verb('demo', async () => (await import('./commands/demo.js')).demo, 'see rotations under load, on this machine alone')
    .option('--seconds <number>', `how long the traffic lasts at least, up to ${MOST_SECONDS}`, seconds, 20)
    .option('--svg <file>', 'draw what happened: keys against time')
    .addHelpText(
      'after',
      '\nTwo issuers, two verifiers and their users on loopback, in a temporary folder: a rotation, a new key that breaks an' +
        ' issuer and is rolled back, a key that leaks and is retired. It ends with exit 1 if a token was rejected.' +
        '\n\nExamples:\n  $ jwtrot demo\n  $ jwtrot demo --seconds 60 --svg rotation.svg',
    );
  verb('jwks', async () => jwks, 'the public JWK Set on standard output').option(
    '--pem',
    'the active key’s public half as PEM',
  );
}

function seconds(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= FEWEST_SECONDS && number <= MOST_SECONDS) return number;
  throw new InvalidArgumentError(`Must be a whole number from ${FEWEST_SECONDS} to ${MOST_SECONDS}.`);
}

/** A kid copied from what jwtrot prints: it may be cut off, and may have blanks around it. */
function asPrinted(kid: string): string {
  return kid.trim().replace(/…$/, '');
}
