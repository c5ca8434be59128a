import type { Duration } from '../keyset/basics/clock.js';
import type { Naming } from '../keyset/history/renamed.js';
import type { Manifest } from '../keyset/manifest/model.js';
import type { Now } from '../keyset/transitions/all.js';
import type { Patience } from './patience.js';

/** The manifest to commit, from the newest one; null: nothing is left to change. */
export type Update = (manifest: Manifest, now: Now) => Manifest | null;

/** Whether nothing is left to do after a manifest. */
export type IsLast = (manifest: Manifest) => boolean;

export interface LedgerOptions {
  /** The run's own time limit, and the length of its lease. */
  readonly limit: Duration;
  /**
   * For `retire`, which takes a lease over at once, and goes on if the store shows another history or fails for longer
   * than this. Null: any other run.
   */
  readonly patience: Patience | null;
  /** The pair that `retire` is asked to retire, as far as it is known. */
  readonly asked?: Naming | null;
  /** `--dry-run`: this host remembers nothing of what was read. */
  readonly touchesNothing?: boolean;
}

/** The race was lost before anything was done: plan again from what is there. */
export class PlanAgain extends Error {}
