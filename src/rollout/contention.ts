import { type Duration, SECOND } from '../keyset/basics/clock.js';
import type { JwtrotError } from '../keyset/basics/error.js';
import { contended, staleRead } from './commit-refusals.js';
import type { KeysetContext } from './context.js';
import type { Patience } from './patience.js';

/** After this many lost commits in a row, somebody writes all the time, or reads are old. */
const MOST_LOST = 9;
/** How many answers in a row may be older than this run's own commits. */
const MOST_STALE = 6;
const LONGEST_WAIT: Duration = 3_200;

/** How long a run goes on with a store that others write to all the time, or that keeps answering with an old copy. */
export class Contention {
  /** Commits lost in a row, and since when. */
  #lost = 0;
  #since: Duration = 0;

  constructor(
    private readonly context: KeysetContext,
    private readonly patience: Patience | null,
  ) {}

  /** Waits a moment after a lost commit. @returns why to give up; null: try again */
  async lost(): Promise<JwtrotError | null> {
    const { clock, name, random } = this.context;
    if (this.#lost === 0) this.#since = clock.monotonic();
    this.#lost += 1;
    if (this.#lost >= MOST_LOST && this.isOver(this.#since)) return contended(name);
    await clock.sleep(Math.min(SECOND, 20 * 2 ** this.#lost) * (0.5 + random()));
    return null;
  }

  won(): void {
    this.#lost = 0;
  }

  /** Waits a moment after the `attempt`th old answer since `since`. @returns why to give up; null: read again */
  async stale(attempt: number, since: Duration): Promise<JwtrotError | null> {
    if (attempt >= MOST_STALE && this.isOver(since)) return staleRead(this.context);
    await this.context.clock.sleep(Math.min(100 * 2 ** attempt, LONGEST_WAIT));
    return null;
  }

  /** No patience is left for what began at `since`. */
  private isOver(since: Duration): boolean {
    return this.patience === null || this.context.clock.monotonic() >= this.patience.end(since);
  }
}
