import { type ChildProcess, spawn } from 'node:child_process';
import type { Duration } from '../keyset/basics/clock.js';
import { formatDuration } from '../keyset/basics/duration.js';
import { own } from '../keyset/basics/foreign-json.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { errnoOf } from './errno.js';
import { within } from './limit.js';
import { collectHead, collectTail } from './output.js';
import { endProcessGroup, endsWithUs } from './process-group.js';

/** A command runs without a shell. `env` names the variables to pass on; the rest of its environment is fixed. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly env: readonly string[];
}

/** The caller's environment. A command gets only the variables that it names. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface CommandOptions {
  /** Default: /dev/null. */
  readonly stdin?: string | Uint8Array;
  /** After this time the command's process group gets SIGTERM, and 2 s later SIGKILL. */
  readonly timeout: Duration;
  readonly signal: AbortSignal;
  readonly env: Environment;
  /** Its output may hold a secret: the result has no standard error, and its reason quotes nothing. */
  readonly hidesOutput?: boolean;
  /** Variables that are always set for the command. No secrets. */
  readonly extraEnv?: Readonly<Record<string, string>>;
  /** Default: `FIXED_PATH`. */
  readonly path?: string;
}

export type CommandResult =
  | {
      readonly ok: true;
      /** UTF-8, the first 64 KiB. */
      readonly stdout: string;
      /** Standard output was longer. */
      readonly truncated: boolean;
    }
  | {
      readonly ok: false;
      /** `missing`: no such program. `denied`: no permission to execute it. */
      readonly kind: 'missing' | 'denied' | 'failed' | 'expired' | 'interrupted';
      /** One line, safe to print. */
      readonly reason: string;
      /** The end of standard error, unescaped. */
      readonly stderr: string;
    };

export const FIXED_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const MOST_STDOUT = 64 * 1024;
const MOST_STDERR = 2 * 1024;
/**
 * Milliseconds to read output after the program has ended. A child that it left behind may hold the pipe open for ever.
 */
const DRAIN = 100;
/** Characters of the end of standard error that a reason quotes. */
const SAID = 160;

interface Ending {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Empty when the program was started. */
  readonly errno: string;
}

/**
 * Runs a program in its own process group. Returns when the program has ended, at the latest 2 s after the time limit or
 * the abort. It doesn't wait for processes that the program left in the background. The program's failures never reject.
 */
export async function runCommand(command: Command, options: CommandOptions): Promise<CommandResult> {
  if (options.signal.aborted) return stopped('interrupted', options.timeout, '');
  if (command.argv.some((argument) => argument.includes('\0'))) {
    return { ok: false, kind: 'failed', reason: 'an argument holds a NUL character', stderr: '' };
  }
  const [program, ...args] = command.argv;
  let child: ChildProcess;
  try {
    child = spawn(program, args, {
      env: commandEnvironment(command, options),
      cwd: '/', // independent of the caller's folder
      detached: true, // its own process group, so that its children end with it
      stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
  } catch (error) {
    return notStarted(program, errnoOf(error));
  }
  const { pid } = child;
  const forget = pid === undefined ? () => {} : endsWithUs(pid);
  const out = collectHead(child.stdout, MOST_STDOUT);
  const err = collectTail(child.stderr, MOST_STDERR);
  // The program may end without reading its input.
  child.stdin?.on('error', () => {}).end(options.stdin);
  const limited = await within(options.timeout, options.signal, () => ending(child));
  if (limited.ended !== 'done' && pid !== undefined) await endProcessGroup(pid);
  forget();
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
  const said = options.hidesOutput === true ? '' : err.text();
  if (limited.ended !== 'done') return stopped(limited.ended, options.timeout, said);
  const failure = failureOf(limited.value, program, said);
  return failure ?? { ok: true, stdout: out.text(), truncated: out.truncated() };
}

function commandEnvironment(command: Command, options: CommandOptions): Record<string, string> {
  const passedOn = Object.fromEntries(
    command.env.flatMap((name) => {
      const value = own(options.env, name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return { PATH: options.path ?? FIXED_PATH, LANG: 'C.UTF-8', ...passedOn, ...options.extraEnv };
}

function ending(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    let drained: NodeJS.Timeout | undefined;
    child.once('error', (error) => resolve({ exitCode: null, signal: null, errno: errnoOf(error) }));
    child.once('exit', (exitCode, signal) => {
      drained = setTimeout(() => resolve({ exitCode, signal, errno: '' }), DRAIN);
    });
    child.once('close', (exitCode, signal) => {
      clearTimeout(drained);
      resolve({ exitCode, signal, errno: '' });
    });
  });
}

function stopped(kind: 'expired' | 'interrupted', timeout: Duration, stderr: string): CommandResult {
  const reason = kind === 'expired' ? `not done within ${formatDuration(timeout)}` : 'interrupted';
  return { ok: false, kind, reason, stderr };
}

function failureOf({ exitCode, signal, errno }: Ending, program: string, stderr: string): CommandResult | null {
  if (exitCode === 0) return null;
  if (exitCode === null && signal === null) return notStarted(program, errno);
  const what = signal === null ? `exit ${exitCode}` : `ended by ${signal}`;
  const said = stderr.trim().slice(-SAID);
  return { ok: false, kind: 'failed', reason: said === '' ? what : `${what}: ${quoteOutside(said)}`, stderr };
}

function notStarted(program: string, errno: string): CommandResult {
  const name = quoteOutside(program);
  if (errno === 'ENOENT') return { ok: false, kind: 'missing', reason: `no such program ${name}`, stderr: '' };
  const denied = errno === 'EACCES';
  const why = denied ? 'permission denied' : errno || 'it did not start';
  return { ok: false, kind: denied ? 'denied' : 'failed', reason: `cannot run ${name}: ${why}`, stderr: '' };
}
