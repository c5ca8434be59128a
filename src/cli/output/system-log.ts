import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { escapeOutside } from '../../keyset/basics/outside-text.js';
import { FIXED_PATH } from '../../outside/command.js';
import { journalPrefix, type Level } from './journal.js';

/** Where syslog(3) and the journal listen. */
const SOCKET = '/dev/log';
/** How long the last lines may take once the run has ended, in milliseconds. */
const DRAIN = 1_000;

export interface SystemLogOptions {
  readonly pid: number;
  /** Where to find logger(1); absent: the fixed PATH. */
  readonly path?: string;
  readonly socket?: string;
}

/**
 * The system's log, for runs that a person starts: the journal has no other trace of them. Node can't open a Unix
 * datagram socket, so logger(1) does. This is best effort: if logger is missing or fails, only the lines are lost.
 */
export class SystemLog {
  readonly #logger: ChildProcess;
  readonly #ended: Promise<void>;

  /** Null: nobody listens. */
  static open(options: SystemLogOptions): SystemLog | null {
    return existsSync(options.socket ?? SOCKET) ? new SystemLog(options) : null;
  }

  private constructor({ pid, path = FIXED_PATH, socket }: SystemLogOptions) {
    const where = socket === undefined ? [] : ['--socket', socket];
    this.#logger = spawn('logger', ['--tag', 'jwtrot', `--id=${pid}`, '--prio-prefix', ...where], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: path },
      cwd: '/',
      // Ctrl-C must not reach logger: the run's last lines are still to come.
      detached: true,
    });
    this.#ended = new Promise((resolve) => {
      this.#logger.once('close', () => resolve()).once('error', () => resolve());
    });
    this.#logger.stdin?.on('error', () => {});
  }

  /** @param line becomes one line of the log, even with line breaks in it */
  write(line: string, level: Level): void {
    this.#logger.stdin?.write(`${journalPrefix(level)}${escapeOutside(line)}\n`);
  }

  /** Waits a moment for the lines to get through. */
  async end(): Promise<void> {
    this.#logger.stdin?.end();
    const late = new Promise<void>((resolve) => setTimeout(resolve, DRAIN).unref());
    await Promise.race([this.#ended, late]);
  }
}
