import type { KeysetRecord } from '../keyset/history/record.js';

/** What this host remembers of one keyset. Throws `JwtrotError`: `record-damaged`, or kind `store` if the disk fails. */
export interface Records {
  /** Null: this host knows nothing of the keyset. */
  read(): Promise<KeysetRecord | null>;
  /**
   * Changes the newest record, and is durable when it resolves. Calls `change` again if another process was faster. If
   * `change` returns null, the record stays as it is.
   */
  update(change: (record: KeysetRecord | null) => KeysetRecord | null, options?: UpdateOptions): Promise<void>;
}

export interface UpdateOptions {
  /** Treat a damaged record as none: the result of `change` replaces it. */
  readonly overDamaged?: boolean;
}
