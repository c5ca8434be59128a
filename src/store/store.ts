import type { Duration, Instant } from '../keyset/basics/clock.js';
import type { JwtrotError } from '../keyset/basics/error.js';
import type { Manifest } from '../keyset/manifest/model.js';
import type { WrappedKey } from '../keyset/manifest/wrapped-key.js';

/** A manifest as it was read, with the version to commit against. */
export interface Snapshot {
  readonly manifest: Manifest;
  /** Only the store that made it understands it. Directory: the revision's file. Secrets Manager: the `VersionId`. */
  readonly version: string;
  /** A later jwtrot added members that were ignored: only a store that was opened for reading has such a snapshot. */
  readonly isPartial?: true;
}

/** What can be saved of a keyset whose newest manifest is damaged. */
export interface Salvage {
  /** The error that `readManifest` throws. */
  readonly damage: JwtrotError;
  /** The newest sound manifest; revision 0 if none is sound. A commit against it replaces what is damaged. */
  readonly base: Snapshot;
  /** No damaged commit has a higher revision. */
  readonly revision: number;
}

/**
 * Where manifests and wrapped private keys live. Every implementation passes `test/conformance/store.ts`.
 * All methods throw `JwtrotError`: kind `store` if the store can't be reached or says no, kind `refused` for damaged
 * data. All have a time limit.
 */
export interface Store {
  /** For people and errors: `directory /var/lib/jwtrot/store`, `Secrets Manager jwtrot/ in eu-central-1`. */
  readonly description: string;
  /** The most commits to a keyset in 24 h, apart from incidents; null: there is no limit. */
  readonly commitsPerDay: number | null;
  /** How long after a commit a read may still answer with something older, in milliseconds; 0: never. */
  readonly lag: Duration;
  /**
   * Where the keyset's manifest is written, if this store reads only a replica, which may lag behind for longer. Null:
   * it is written here. Asked only if a read is in doubt.
   */
  homeElsewhere(keyset: string): Promise<string | null>;
  /** How far this clock is ahead of the store's (negative: behind), by its newest answer; null: not known. */
  clockOffset(): Duration | null;
  listKeysets(): Promise<string[]>;
  /** The newest manifest; null: the keyset does not exist. */
  readManifest(keyset: string): Promise<Snapshot | null>;
  /**
   * For `retire` and `store recover`: if the newest manifest is damaged, they go on from an older one they can't trust.
   * @returns null if the newest manifest is not damaged
   */
  salvage(keyset: string): Promise<Salvage | null>;
  /**
   * Commits `manifest` if `base` is still the newest (compare-and-swap); `base` null creates the keyset. The revision
   * is the next one after `base`, or one far ahead if `store recover` begins another history. `manifest.commits` ends
   * with this commit's random id. After a doubtful reply the store reads the newest manifest: the commit has won
   * exactly if that id is in it.
   * @returns the new snapshot; null: another writer won (read again and plan again)
   */
  commitManifest(manifest: Manifest, base: Snapshot | null): Promise<Snapshot | null>;
  /**
   * Stores a wrapped key. Storing the same bytes again succeeds; other bytes under the same thumbprint are `refused`.
   * @returns `inDoubt`: an attempt got no answer before another one succeeded. It may take effect late, even after a
   * deletion
   */
  putKey(keyset: string, thumbprint: string, key: WrappedKey): Promise<{ readonly inDoubt: boolean }>;
  /** The wrapped key; null: there is none, or its deletion was ordered. */
  getKey(keyset: string, thumbprint: string): Promise<WrappedKey | null>;
  /**
   * Orders the deletion. It is idempotent, and succeeds if there is no such key.
   * @returns when the key will be gone: after `recoveryWindowDays`, or a time that is not in the future
   */
  deleteKey(keyset: string, thumbprint: string, options: DeleteOptions): Promise<Instant>;
  /** True if nothing of the key is left, and no recovery window runs. */
  isKeyGone(keyset: string, thumbprint: string): Promise<boolean>;
  /**
   * Every wrapped key of a keyset, by thumbprint, even if its deletion was ordered. A key that was put a moment ago may
   * be missing here: `getKey` finds it.
   */
  listKeys(keyset: string): Promise<StoredKeyName[]>;
  /** True if any keyset has a wrapped key: then nobody may make a new KEK in place of a missing one. */
  holdsKeys(): Promise<boolean>;
  /**
   * The same store, but the signal aborts its requests, which may still have taken effect. Absent if no call goes on
   * once nobody waits for it.
   */
  until?(givenUp: AbortSignal): Store;
  /** Ends connections. */
  close(): void;
}

export interface StoredKeyName {
  readonly thumbprint: string;
  /** Its deletion was ordered. */
  readonly isDeleted: boolean;
}

export interface DeleteOptions {
  /** 7 to 30 (Secrets Manager's limits). */
  readonly recoveryWindowDays: number;
  /** Delete at once, without the recovery window. */
  readonly purge: boolean;
}
