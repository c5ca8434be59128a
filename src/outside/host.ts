import type { Clock } from '../keyset/basics/clock.js';
import type { Owner } from '../keyset/manifest/model.js';

/** What a run works on, and its lease covers. */
export interface Work {
  readonly keyset: string;
  /** The store's description. */
  readonly store: string;
}

/** This machine and its processes, as the lease needs them. */
export interface Host {
  /** This process. */
  readonly self: Owner;
  /** `gone` only where this host can tell. */
  state(owner: Owner): 'alive' | 'gone' | 'elsewhere';
  /**
   * Shows other runs on this host that this run holds the lease for `work`. Never rejects.
   * @returns a function that ends that
   */
  workOn(work: Work): Promise<() => Promise<void>>;
  /**
   * Ends a process of this host and its children: SIGTERM, after 2 s SIGKILL. Resolves when it is gone. A lease may be
   * forged, so it ends only a jwtrot of this user that shows that it works on `work`.
   * @returns why it was left alone; null when it was not
   */
  end(owner: Owner, work: Work, clock: Clock): Promise<string | null>;
}
