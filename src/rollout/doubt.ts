import { type Duration, SECOND } from '../keyset/basics/clock.js';
import { mayBeOld, type OtherHistory } from '../keyset/history/other-history.js';
import type { KeysetRecord } from '../keyset/history/record.js';
import type { Snapshot } from '../store/store.js';
import type { KeysetContext } from './context.js';

/** What a lagging copy of the store can show, whatever this host knows. */
const OF_AN_OLD_COPY: ReadonlySet<OtherHistory['why']> = new Set(['secret-gone', 'outlet-ahead']);

/** A store that shows another history may have answered with an old copy. That ends within the store's `lag`. */
export class Doubt {
  /** By the monotonic clock. */
  #since: Duration | null = null;
  /** What was read last; null: nothing. */
  #version: string | null = null;
  #isSaid = false;

  constructor(private readonly context: Pick<KeysetContext, 'clock' | 'store' | 'name' | 'report'>) {}

  over(): void {
    this.#since = null;
    this.#isSaid = false;
  }

  /** Whether another look is worthwhile. Says so the first time. */
  mayPass(other: OtherHistory, record: KeysetRecord | null, found: Snapshot | null): boolean {
    const { clock, store, name, report } = this.context;
    const version = found?.version ?? null;
    const isSame = this.#since !== null && this.#version === version;
    this.#since ??= clock.monotonic();
    this.#version = version;
    // A key may have been retired, and its secret deleted, since the manifest was read.
    if (other.why === 'secret-gone' && !isSame) return true;
    const isOld = OF_AN_OLD_COPY.has(other.why) || mayBeOld(record, found?.manifest ?? null);
    const left = store.lag - (clock.monotonic() - this.#since);
    if (!isOld || left <= 0) return false;
    if (!this.#isSaid) {
      this.#isSaid = true;
      const text = `${store.description} may have answered with an old copy: reading it again for up to ${Math.ceil(left / SECOND)}s`;
      report({ type: 'note', keyset: name, level: 'warning', text });
    }
    return true;
  }
}
