import type { Duration } from '../keyset/basics/clock.js';
import { formatDuration } from '../keyset/basics/duration.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { answers } from '../outside/answers.js';
import { Hangs, unlessHanging } from '../outside/hanging.js';
import { monotonic } from '../outside/monotonic.js';
import { mayHang } from '../outside/mounts.js';

/** Tells whether a directory answers. Only tests use others than `mayHang` and `answers`. */
export interface Answering {
  readonly mayHang: () => Promise<boolean>;
  readonly answers: (directory: string, limit: Duration) => Promise<boolean>;
}

/** For a directory that did not answer before: it delays nobody twice, and one that is back answers at once. */
const AGAIN: Duration = 100;
/** Directories, of any keyset, that did not answer when last asked. */
const silent = new Set<string>();

const realAnswering: Answering = { mayHang, answers };

/**
 * The way to one directory, whose server may be gone. A call that hangs there occupies one of Node's four threads for
 * files. So another process first asks whether the directory answers, and work that hangs all the same is not tried
 * twice.
 */
export class Reach {
  #asked: Promise<boolean> | null = null;

  constructor(
    private readonly directory: string,
    private readonly answering: Answering = realAnswering,
  ) {}

  /**
   * Does `work` in the directory for at most `limit`. A result that comes later goes to `late`.
   * @throws JwtrotError `outlet-hangs`, and what `work` throws
   */
  async within<T>(limit: Duration, work: () => Promise<T>, late?: (value: T) => void): Promise<T> {
    const began = monotonic();
    if (!(await this.#answers(limit))) throw this.#hangs(limit, 'nothing was done there');
    const left = Math.max(0, limit - (monotonic() - began));
    try {
      return await unlessHanging(`outlets in ${this.directory}`, work, left, late);
    } catch (error) {
      if (!(error instanceof Hangs)) throw error;
      throw this.#hangs(
        limit,
        error.cause === undefined ? 'whether it was done there is not known' : 'nothing was done there',
      );
    }
  }

  /** Asks anew each time, since a server may die during a run. Callers at the same time share one question. */
  #answers(limit: Duration): Promise<boolean> {
    this.#asked ??= this.#ask(limit).finally(() => {
      this.#asked = null;
    });
    return this.#asked;
  }

  async #ask(limit: Duration): Promise<boolean> {
    if (!(await this.answering.mayHang())) return true;
    const answered = await this.answering.answers(this.directory, silent.has(this.directory) ? AGAIN : limit);
    if (answered) silent.delete(this.directory);
    else silent.add(this.directory);
    return answered;
  }

  #hangs(limit: Duration, state: string): JwtrotError {
    return new JwtrotError(
      'services',
      'outlet-hangs',
      `${this.directory} does not answer within ${formatDuration(limit)}: its server may be gone, or its disk; ${state}`,
      { hint: `look at it: stat -f ${this.directory}; then run it again` },
    );
  }
}
