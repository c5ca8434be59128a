import type { Duration } from '../keyset/basics/clock.js';
import type { Holding, OutletContent } from '../keyset/published/jwk-set.js';
import type { OutletDirectory } from './directory.js';
import type { Flaw } from './findings.js';
import type { HeldKey } from './outlet.js';
import type { Sight } from './sight.js';

/** One outlet, as the writer sees it: a published file or a directory of them, a delivered file, or a command with its record. */
export interface Target extends Pick<Holding, 'kind' | 'format'> {
  /** As `Holding.outlet`. */
  readonly label: string;
  /** The directory of its file or files, or of the record of what a command was given. */
  readonly folder: string;
  /** Of its file or record. Several files have one name for what lies beside them. */
  readonly name: string;
  /** What the outlet holds can't be seen, only what it was last given, or what another command says of it. */
  readonly isCommand: boolean;
  /** How long its commands may take; 0: it runs none. */
  readonly runs: Duration;
  /** @throws JwtrotError if there is no such directory */
  openFolder(): Promise<OutletDirectory>;
  /** Why nothing may be put there; null: something may. */
  flawOf(directory: OutletDirectory): Promise<Flaw | null>;
  /**
   * @param path `folder`, or a way to it, and `name`
   * @param limit for a command that is asked
   * @throws JwtrotError if a command can't be asked
   */
  observe(path: string, limit: Duration): Promise<Sight>;
  /** True when there is nothing to write. */
  holds(sight: Sight, content: OutletContent): boolean;
  /** What it must hold; null: nothing, so its file is removed. Overwritten once it has been put there. */
  text(content: OutletContent, privateKey: () => Promise<Uint8Array>): Promise<Buffer | null>;
  put(putting: Putting): Promise<void>;
  /** For keys that have files of their own. Absent: all are in one. */
  readonly byName?: ByName;
}

/** Works by the names of files, without a look at what else is there. */
export interface ByName {
  /** @param folder a path to the directory @returns null if there is no key under that name */
  find(folder: string, kid: string): Promise<HeldKey | null>;
  /**
   * Takes leaked keys out, unless no other one would stay. Leaves what it can't remove.
   * @param likely kids of keys that may stay @returns the kids of those that went
   */
  takeLeaked(directory: OutletDirectory, content: OutletContent, likely: readonly string[]): Promise<string[]>;
}

export interface Putting {
  readonly directory: OutletDirectory;
  /** Null: its file is removed. */
  readonly bytes: Buffer | null;
  readonly content: OutletContent;
  /** What it held when it was judged. */
  readonly sight: Sight;
  /** The longest that a command may take; null: its own time limit. */
  readonly limit: Duration | null;
  readonly signal: AbortSignal;
  readonly newId: () => string;
}

export function pathOf({ folder, name }: Target): string {
  return `${folder}/${name}`;
}

export function holdingOf({ label, kind, format }: Target, { keys: held, intact, busyUntil, told }: Sight): Holding {
  const keys = held?.map(({ kid, thumbprint, isSaid }) => ({ kid, thumbprint, ...(isSaid && { isSaid }) })) ?? null;
  const seen = { outlet: label, kind, format, keys, intact, ...(kind === 'deliver' && format === 'jwk' && { told }) };
  return busyUntil === undefined ? seen : { ...seen, busyUntil };
}
