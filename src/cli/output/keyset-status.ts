import type { KeysetConfiguration } from '../../config/configuration.js';
import type { JwtrotError } from '../../keyset/basics/error.js';
import type { Manifest } from '../../keyset/manifest/model.js';
import type { Suspicion } from '../suspicion.js';

/** One keyset as it is stored now. */
export interface KeysetStatus {
  readonly keyset: KeysetConfiguration;
  /** Null: it does not exist yet, or can't be read. */
  readonly manifest: Manifest | null;
  /** Why it can't be read. Absent: it can. */
  readonly failure?: JwtrotError;
  /** The store shows another history than this host knows. Absent: not checked. */
  readonly other?: Suspicion | null;
  /** Its lease keeps nobody out: the holder is gone, or the lease ran out. Absent: not checked. */
  readonly isFree?: boolean;
}
