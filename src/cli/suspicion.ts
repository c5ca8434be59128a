import type { OtherHistory } from '../keyset/history/other-history.js';

/** The store shows another history than this host knows, as far as a verb that only reads can tell. */
export interface Suspicion {
  readonly why: OtherHistory['why'] | 'record-damaged';
  readonly text: string;
  /** A retired key that the store was not told about; absent: it is another history. */
  readonly untold?: string;
  /** Kid of that key as this host remembers it. */
  readonly knownAs?: string;
  /** Kids of all such keys, as the manifest has them. */
  readonly untoldKids?: readonly string[];
  /** It may be just a copy that lags behind: a single read can't tell. */
  readonly isDoubtful: boolean;
}
