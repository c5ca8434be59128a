import { fstatSync } from 'node:fs';
import { Chalk, type ChalkInstance } from 'chalk';
import { EXIT, JwtrotError } from '../../keyset/error.js';
import type { Progress } from '../../rollout/context.js';
import { type Environment, Interrupted } from '../environment.js';
import { journalPrefix, type Level } from './journal.js';
import { LiveView } from './live.js';
import { type StatusBoard, statusBoard } from './notify.js';
import type { OutputOptions } from './options.js';
import { progressLine } from './progress.js';

/** Everything that is printed goes through here: results to standard output, progress and errors to standard error. */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly debug: boolean;
  /** For standard output. */
  readonly color: ChalkInstance;
  readonly #errorColor: ChalkInstance;
  readonly #journal: boolean;
  #live: LiveView | null;
  readonly #board: StatusBoard | null;

  constructor(
    private readonly environment: Environment,
    options: OutputOptions,
  ) {
    this.json = options.json ?? false;
    this.quiet = options.quiet ?? false;
    this.debug = options.debug ?? false;
    const { env, stdout, stderr } = environment;
    const allowed = options.color !== false && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
    this.color = new Chalk({ level: allowed && stdout.isTTY ? 1 : 0 });
    this.#errorColor = new Chalk({ level: allowed && stderr.isTTY ? 1 : 0 });
    this.#journal = isJournal(env['JOURNAL_STREAM']);
    const live = stderr.isTTY === true && env['TERM'] !== 'dumb' && !this.json && !this.quiet;
    this.#live = live ? new LiveView(stderr, this.#errorColor, environment.clock) : null;
    this.#board = statusBoard(env, environment.clock);
  }

  /** A result: text for people, or the one JSON document. */
  result(text: string): void {
    this.#live?.clear();
    this.environment.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  document(value: object): void {
    this.result(JSON.stringify(value));
  }

  progress(event: Progress): void {
    this.#board?.show(event);
    if (this.quiet || this.json) return;
    if (this.#live !== null) {
      this.#live.show(event);
      return;
    }
    const line = progressLine(event);
    if (line !== null) this.say(line.text, line.level);
  }

  /** What `systemctl status` shows from now on. */
  status(text: string): void {
    this.#board?.say(text);
  }

  /** The step under way becomes a line that stays: what follows are results. */
  settle(): void {
    this.#live?.end();
  }

  /** A line on standard error. */
  say(text: string, level: Level = 'info'): void {
    if (this.quiet && level === 'info') return;
    this.#live?.clear();
    const paint =
      level === 'warning' ? this.#errorColor.yellow : level === 'error' ? this.#errorColor.red : (line: string) => line;
    for (const line of text.split('\n'))
      this.environment.stderr.write(`${this.#journal ? journalPrefix(level) : ''}${paint(line)}\n`);
  }

  /** Prints what stopped the command. @returns its exit code */
  failure(error: unknown): number {
    const { code, message, hint, exit } = describeError(error);
    this.status(message);
    if (this.json) this.document({ schema: 1, error: { code, message, hint, exit } });
    this.problem(message, hint);
    if (this.debug && error instanceof Error) this.say(stackOf(error));
    else if (exit === EXIT.unforeseen) this.say('hint: run it again with --debug and report what it prints');
    return exit;
  }

  /** An error line and its hint, on standard error also with `--json`: a person may be looking. */
  problem(message: string, hint: string | null): void {
    if (this.json) return;
    this.say(`jwtrot: ${message}`, 'error');
    if (hint !== null) this.say(`hint: ${hint}`, 'warning');
  }

  /** `status --check` could not find out. @returns 2 where the store is out of reach, else 3 */
  check(error: JwtrotError): number {
    const critical = error.kind === 'store' || error.kind === 'refused';
    this.environment.stdout.write(
      `JWTROT ${critical ? 'CRITICAL' : 'UNKNOWN'} - ${error.message.split('\n').join('; ')}\n`,
    );
    return critical ? 2 : 3;
  }

  /** Help and usage errors of the command line. */
  help() {
    return {
      writeOut: (text: string) => void this.environment.stdout.write(text),
      // The error itself is printed in our own format.
      writeErr: (text: string) => (text.startsWith('error:') ? undefined : void this.environment.stderr.write(text)),
    };
  }

  end(): void {
    this.#board?.end();
    this.#live?.end();
    this.#live = null;
  }
}

/** systemd.exec(5): standard error is the journal exactly if its device and inode are those named here. */
function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(2);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

export interface Described {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly exit: number;
}

export function describeError(error: unknown): Described {
  if (error instanceof JwtrotError) {
    return { code: error.code, message: error.message, hint: error.hint ?? null, exit: error.exit };
  }
  if (error instanceof Interrupted) {
    return {
      code: 'interrupted',
      message: `${error.message}; the step under way was finished or is resumable`,
      hint: 'jwtrot rotate goes on with it; jwtrot status shows how things stand',
      exit: error.exit,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'unforeseen', message: `unforeseen failure: ${message}`, hint: null, exit: EXIT.unforeseen };
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
