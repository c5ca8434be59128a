import type { Duration, Instant } from '../keyset/clock.js';
import type { Manifest } from '../keyset/model.js';
import type { WrappedKey } from '../keyset/wrapped-key.js';

/** A manifest as it was read, with the version to commit against. Opaque to everyone but the store that made it. */
export interface Snapshot {
  readonly manifest: Manifest;
  /** Directory: the revision's file. Secrets Manager: the `VersionId`. */
  readonly version: string;
}

/**
 * Where manifests and wrapped private keys live. Every implementation passes `test/conformance/store.ts`.
 * All methods throw `JwtrotError`: kind `store` when it can't be reached or says no, kind `refused` for damaged data.
 * All are bounded in time.
 */
export interface Store {
  /** For people and errors: `directory /var/lib/jwtrot/store`, `Secrets Manager jwtrot/ in eu-central-1`. */
  readonly description: string;
  /** The most commits to a keyset in 24 h that are not an incident's; null when there is no limit. */
  readonly commitsPerDay: number | null;
  /** By how much this clock is ahead of the store's own (behind: negative), as its newest answer shows; null: not known. */
  clockOffset(): Duration | null;
  listKeysets(): Promise<string[]>;
  /** The newest manifest; null when the keyset does not exist. */
  readManifest(keyset: string): Promise<Snapshot | null>;
  /**
   * Commits `manifest` if `base` is still the newest (compare-and-swap); `base` null creates the keyset.
   * `manifest.commits` ends with this commit's random id; after a doubtful reply the store reads the newest manifest,
   * and has won exactly if that id is in it.
   * @returns the new snapshot, or null when another writer won (read again and plan again)
   */
  commitManifest(manifest: Manifest, base: Snapshot | null): Promise<Snapshot | null>;
  /** Stores a wrapped key. The same bytes again is success; other bytes under the same thumbprint are `refused`. */
  putKey(keyset: string, thumbprint: string, key: WrappedKey): Promise<void>;
  /** The wrapped key; null when there is none, or when its deletion was ordered. */
  getKey(keyset: string, thumbprint: string): Promise<WrappedKey | null>;
  /**
   * Orders the deletion; idempotent, and fine for a key that is not there.
   * @returns when it will be gone: a time after `recoveryWindowDays`, or one not in the future
   */
  deleteKey(keyset: string, thumbprint: string, options: DeleteOptions): Promise<Instant>;
  /** True when nothing of the key is left, a recovery window included. */
  isKeyGone(keyset: string, thumbprint: string): Promise<boolean>;
  /** True when any keyset has a wrapped key: then a missing KEK must not be made anew. */
  holdsKeys(): Promise<boolean>;
  /** Ends connections. */
  close(): void;
}

export interface DeleteOptions {
  /** 7 to 30 (Secrets Manager's limits). */
  readonly recoveryWindowDays: number;
  /** At once, without the window. */
  readonly purge: boolean;
}
