import type { EventEmitter } from 'node:events';
import type { Duration } from '../keyset/clock.js';
import { formatDuration } from '../keyset/duration.js';
import { quoteOutside } from '../keyset/outside-text.js';
import { within } from './limit.js';
import { collectHead, collectTail } from './output.js';
import { endProcessGroup } from './process-group.js';

/** An argument list: no shell. `env` names variables that are passed on; the rest of the environment is fixed. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly env: readonly string[];
}

/** The caller's environment, of which only the variables that a command names are passed on. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface CommandOptions {
  /** Without it standard input is /dev/null. */
  readonly stdin?: string | Uint8Array;
  /** When it has passed, the command's process group gets SIGTERM, 2 s later SIGKILL. */
  readonly timeout: Duration;
  readonly signal: AbortSignal;
  readonly env: Environment;
  /** Set for the command, whatever it names. No secrets. */
  readonly extraEnv?: Readonly<Record<string, string>>;
  /** Where programs are looked for; the fixed PATH when absent. */
  readonly path?: string;
}

export type CommandResult =
  | {
      readonly ok: true;
      /** UTF-8, the first 64 KiB. */
      readonly stdout: string;
      /** There was more on standard output. */
      readonly truncated: boolean;
    }
  | {
      readonly ok: false;
      /** `missing`: no such program. `denied`: it may not be executed. */
      readonly kind: 'missing' | 'denied' | 'failed' | 'expired' | 'interrupted';
      /** One line, made safe to print. */
      readonly reason: string;
      /** The end of standard error, as it came. */
      readonly stderr: string;
    };

export const FIXED_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const MOST_STDOUT = 64 * 1024;
const MOST_STDERR = 2 * 1024;
/** How long output may still come after the program has ended: a child that it left behind may hold the pipe for ever. */
const DRAIN = 100;
/** How much of the end of standard error a reason quotes, in characters. */
const SAID = 160;

interface Ending {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly errorCode: string | null;
}

/**
 * Runs a program in a process group of its own. Returns when it has ended, at the latest 2 s after the time limit or the
 * abort; a process that it left running in the background is not waited for. Never rejects for what the program does.
 */
export async function runCommand(command: Command, options: CommandOptions): Promise<CommandResult> {
  const { execa } = await import('execa');
  if (options.signal.aborted) return stopped('interrupted', options.timeout, '');
  if (command.argv.some((argument) => argument.includes('\0'))) {
    return { ok: false, kind: 'failed', reason: 'an argument holds a NUL character', stderr: '' };
  }
  const [program, ...args] = command.argv;
  const subprocess = execa(program, args, {
    env: commandEnvironment(command, options),
    extendEnv: false,
    cwd: '/', // nothing depends on where we were started
    detached: true, // its own process group, so that its children end with it
    reject: false,
    buffer: false, // read below, bounded: execa would end the program when there is too much
    verbose: 'none',
    encoding: 'buffer',
    stdout: 'pipe',
    stderr: 'pipe',
    ...(options.stdin === undefined ? { stdin: 'ignore' as const } : { input: options.stdin }),
  });
  const out = collectHead(subprocess.stdout, MOST_STDOUT);
  const err = collectTail(subprocess.stderr, MOST_STDERR);
  const limited = await within(options.timeout, options.signal, () => ending(subprocess));
  if (limited.ended !== 'done' && subprocess.pid !== undefined) await endProcessGroup(subprocess.pid);
  for (const stream of [subprocess.stdin, subprocess.stdout, subprocess.stderr]) stream?.destroy();
  if (limited.ended !== 'done') return stopped(limited.ended, options.timeout, err.text());
  const failure = failureOf(limited.value, program, err.text());
  return failure ?? { ok: true, stdout: out.text(), truncated: out.truncated() };
}

function commandEnvironment(command: Command, options: CommandOptions): Record<string, string> {
  const passedOn: Record<string, string> = {};
  for (const name of command.env) {
    const value = options.env[name];
    if (value !== undefined) passedOn[name] = value;
  }
  return { PATH: options.path ?? FIXED_PATH, LANG: 'C.UTF-8', ...passedOn, ...options.extraEnv };
}

type Subprocess = Pick<EventEmitter, 'once'> &
  PromiseLike<{
    exitCode?: number | undefined;
    signal?: string | undefined;
    code?: string | undefined;
  }>;

async function ending(subprocess: Subprocess): Promise<Ending> {
  let timer: NodeJS.Timeout | undefined;
  const exited = new Promise<Ending>((resolve) => {
    subprocess.once('exit', (exitCode: number | null, signal: string | null) => {
      timer = setTimeout(() => resolve({ exitCode, signal, errorCode: null }), DRAIN);
    });
  });
  const closed = subprocess.then(
    (result): Ending => ({
      exitCode: result.exitCode ?? null,
      signal: result.signal ?? null,
      errorCode: result.code ?? null,
    }),
  );
  const first = await Promise.race([closed, exited]);
  clearTimeout(timer);
  return first;
}

function stopped(kind: 'expired' | 'interrupted', timeout: Duration, stderr: string): CommandResult {
  const reason = kind === 'expired' ? `not done within ${formatDuration(timeout)}` : 'interrupted';
  return { ok: false, kind, reason, stderr };
}

function failureOf({ exitCode, signal, errorCode }: Ending, program: string, stderr: string): CommandResult | null {
  if (exitCode === 0) return null;
  const name = quoteOutside(program);
  if (exitCode === null && signal === null) {
    if (errorCode === 'ENOENT') return { ok: false, kind: 'missing', reason: `no such program ${name}`, stderr };
    const denied = errorCode === 'EACCES';
    const why = denied ? 'permission denied' : (errorCode ?? 'it did not start');
    return { ok: false, kind: denied ? 'denied' : 'failed', reason: `cannot run ${name}: ${why}`, stderr };
  }
  const what = signal === null ? `exit ${exitCode}` : `ended by ${signal}`;
  const said = stderr.trim().slice(-SAID);
  return { ok: false, kind: 'failed', reason: said === '' ? what : `${what}: ${quoteOutside(said)}`, stderr };
}
