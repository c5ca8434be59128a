import type { Configuration } from '../config/configuration.js';
import type { Store } from '../store/store.js';

/** What setup needs from outside. Only the command reads it and hands it in. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly home: string;
  /** Aborts on an interrupt. */
  readonly signal: AbortSignal;
  /** Opens a configuration's store as a user sees it. */
  readonly openStore: (configuration: Configuration, uid: number) => Promise<Store>;
}
