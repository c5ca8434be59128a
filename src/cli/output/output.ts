import { EXIT, type JwtrotError } from '../../keyset/basics/error.js';
import type { Progress } from '../../rollout/context.js';
import type { Environment } from '../environment.js';
import { checkFailure, describeError, errorDocument, stackOf } from './describe-error.js';
import { type HelpWriter, helpOn } from './help-text.js';
import { hintHere } from './hints.js';
import { isJournal, journalPrefix, type Level } from './journal.js';
import { LiveView } from './live.js';
import { type StatusBoard, statusBoard } from './notify.js';
import type { OutputOptions } from './options.js';
import { type Palette, palette, printable } from './paint.js';
import { type ProgressLine, ProgressLines } from './progress-lines.js';
import { askedWidth, Screen } from './screen.js';
import type { SystemLog } from './system-log.js';
import { wrap } from './wrap.js';

/**
 * Everything that is printed goes through here: results to standard output, progress and errors to standard error. A
 * text is one line. On its way out, unprintable characters are escaped.
 */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly debug: boolean;
  /** For standard output. */
  readonly color: Palette;
  /** For standard error. */
  readonly errorColor: Palette;
  readonly #out: Screen;
  readonly #err: Screen;
  readonly #journal: boolean;
  #live: LiveView | null;
  readonly #board: StatusBoard | null;
  #log: SystemLog | null = null;
  readonly #lines: ProgressLines;

  constructor(
    private readonly environment: Environment,
    options: OutputOptions,
  ) {
    this.json = options.json ?? false;
    this.quiet = options.quiet ?? false;
    this.debug = options.debug ?? false;
    this.#lines = new ProgressLines(options.verbose ?? false);
    const { env, stdout, stderr } = environment;
    const allowed = options.color !== false && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
    this.color = palette(allowed && stdout.isTTY === true);
    this.errorColor = palette(allowed && stderr.isTTY === true);
    this.#out = new Screen(stdout, askedWidth(env['COLUMNS']));
    this.#err = new Screen(stderr);
    this.#journal = isJournal(env['JOURNAL_STREAM']);
    const live = stderr.isTTY === true && env['TERM'] !== 'dumb' && !this.json && !this.quiet;
    this.#live = live ? new LiveView(stderr, this.errorColor, environment.clock) : null;
    this.#board = statusBoard(env, environment.clock);
  }

  /**
   * From here on each line also goes to the system's log: a person has started a verb that changes something on a
   * server. Under the journal the lines are there already. What a user tries at home does not concern the system.
   */
  async logAlso(first: string): Promise<void> {
    const { env, uid } = this.environment;
    if (this.#journal || (uid !== 0 && env['STATE_DIRECTORY'] === undefined)) return;
    const { SystemLog: Log } = await import('./system-log.js');
    this.#log = Log.open({ pid: process.pid });
    this.#log?.write(first, 'info');
  }

  /** Width for tables: of the results' terminal; otherwise COLUMNS; without it Infinity, and no line is broken. */
  get columns(): number {
    return this.#out.columns;
  }

  /** Standard error is a terminal, on which lines may move. */
  get isLive(): boolean {
    return this.#live !== null;
  }

  /** A result: a line for people, or the one JSON document. */
  result(line: string): void {
    this.#log?.write(line, 'info');
    const { supervisor } = this.environment;
    // The supervisor prints that one document, even if this process dies.
    if (this.json && supervisor !== null) {
      supervisor.tell({ type: 'result', text: line });
      return;
    }
    this.#live?.clear();
    // Scripts read a pipe, so there a result is one line, whatever COLUMNS says. A document is one line anywhere.
    const isWhole = this.json || !this.#out.isTerminal;
    this.#out.block(isWhole ? printable(line) : wrap(line, this.#out.columns));
  }

  /** A result of several lines: a table, a document. The layout has already escaped text from outside. */
  block(text: string): void {
    for (const line of text.trimEnd().split('\n')) this.#log?.write(line, 'info');
    this.#live?.clear();
    this.#out.block(text);
  }

  document(value: object): void {
    this.result(JSON.stringify(value));
  }

  progress(event: Progress): void {
    this.environment.supervisor?.tell({ type: 'progress', event });
    this.#board?.show(event);
    const lines = this.#lines.of(event);
    if (this.#live !== null) this.#live.show(event);
    this.tell(lines);
  }

  /** Prints lines if there is no live view, and logs them. */
  private tell(lines: readonly ProgressLine[]): void {
    for (const { text, level } of lines) {
      this.#log?.write(text, level);
      if (this.#live === null && !this.quiet && !this.json) this.print([text], level);
    }
  }

  /** What `systemctl status` shows from now on. */
  status(text: string): void {
    this.#board?.say(text);
  }

  /** Turns the step under way into a line that stays. Results follow. */
  settle(): void {
    this.#live?.end();
    this.tell(this.#lines.end());
  }

  /** A line on standard error. */
  say(line: string, level: Level = 'info'): void {
    this.#log?.write(line, level);
    this.print([line], level);
  }

  private print(lines: readonly string[], level: Level): void {
    if (this.quiet && level === 'info') return;
    this.#live?.clear();
    const color = this.errorColor;
    const paint = level === 'warning' ? color.yellow : level === 'error' ? color.red : (line: string) => line;
    const prefix = this.#journal ? journalPrefix(level) : '';
    const laidOut = lines.flatMap((line) => wrap(line, this.#err.columns).split('\n'));
    this.#err.lines(laidOut.map((line) => `${prefix}${paint(line)}`));
  }

  /** Prints what stopped the command. @returns its exit code */
  failure(error: unknown): number {
    const { message, lines, hint, exit } = describeError(error);
    this.status(lines[0] ?? message);
    if (this.json) this.document({ schema: 1, error: errorDocument(error) });
    this.complain(lines, hint);
    if (this.debug && error instanceof Error) this.print(stackOf(error), 'info');
    else if (exit === EXIT.unforeseen) this.say('hint: run it again with --debug and report what it prints');
    return exit;
  }

  /** Says what to type next on this machine. */
  next(text: string): void {
    this.say(`next: ${hintHere(text, this.environment)}`);
  }

  /** An error line and its hint, on standard error. */
  problem(message: string, hint: string | null): void {
    this.complain([message], hint);
  }

  private complain(lines: readonly string[], told: string | null): void {
    const hint = told === null ? null : hintHere(told, this.environment);
    for (const line of lines) this.#log?.write(line, 'error');
    if (hint !== null) this.#log?.write(`hint: ${hint}`, 'warning');
    if (this.json) return;
    const [first = '', ...more] = lines;
    this.print([`jwtrot: ${first}`, ...more], 'error');
    if (hint !== null) this.print([`hint: ${hint}`], 'warning');
  }

  /** Prints why `status --check` failed: a line, or an error document. @returns 2: the store is out of reach; otherwise 3 */
  check(error: JwtrotError): number {
    const { exit, line } = checkFailure(error);
    if (this.json) this.document({ schema: 1, error: { ...errorDocument(error), exit } });
    else this.#out.lines([line]);
    return exit;
  }

  /** Help and usage errors of the command line. */
  help(): HelpWriter {
    return helpOn(this.#out, this.#err);
  }

  async end(): Promise<void> {
    await this.#log?.end();
    this.#log = null;
    this.#board?.end();
    this.#live?.end();
    this.#live = null;
  }
}
