import type { Instant } from '../../keyset/clock.js';

export interface SecretDescription {
  /** Set when the secret is scheduled for deletion. */
  readonly deletedAt: Instant | null;
  /** A version has the stage AWSCURRENT. */
  readonly hasCurrent: boolean;
  /** Set when the secret has replicas or is one. */
  readonly primaryRegion: string | null;
  readonly region: string | null;
}

/**
 * The operations of AWS Secrets Manager that the store needs, in its words. Every method throws `JwtrotError` kind `store`
 * with the SDK's error as its cause.
 */
export interface SecretsApi {
  create(name: string, text: string, token: string, description: string): Promise<void>;
  /** The value of AWSCURRENT; null text when it is binary. */
  get(name: string): Promise<{ readonly text: string | null; readonly version: string }>;
  describe(name: string): Promise<SecretDescription>;
  /** Adds a version, which nobody reads yet. Its id is the token. */
  putPending(name: string, text: string, token: string): Promise<void>;
  /** Moves AWSCURRENT, if it is at `from`. */
  moveCurrent(name: string, from: string, to: string): Promise<void>;
  /** @param recoveryWindowDays null: at once @returns when AWS will have deleted it */
  remove(name: string, recoveryWindowDays: number | null): Promise<Instant | null>;
  /** A page of the names that begin with `start`. Lags up to five minutes behind. */
  list(
    start: string,
    next: string | null,
    withDeleted: boolean,
  ): Promise<{ readonly names: readonly string[]; readonly next: string | null }>;
}
