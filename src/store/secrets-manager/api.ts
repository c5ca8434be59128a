import type { Instant } from '../../keyset/basics/clock.js';

export interface SecretDescription {
  /** Not null: the secret is scheduled for deletion. */
  readonly deletedAt: Instant | null;
  /** Some version has the stage AWSCURRENT. */
  readonly hasCurrent: boolean;
  /** Not null: the secret has replicas or is one. */
  readonly primaryRegion: string | null;
  readonly region: string | null;
}

/**
 * The operations of AWS Secrets Manager that the store needs, in the store's words. Every method throws `JwtrotError`
 * kind `store` with the SDK's error as its cause.
 */
export interface SecretsApi {
  /** @returns false if the first attempt got no answer: that attempt may still take effect later */
  create(name: string, text: string, token: string, description: string): Promise<boolean>;
  /** The value of AWSCURRENT, or of the version before it. The text is null if the value is binary. */
  get(
    name: string,
    stage?: 'AWSCURRENT' | 'AWSPREVIOUS',
  ): Promise<{ readonly text: string | null; readonly version: string }>;
  describe(name: string): Promise<SecretDescription>;
  /** Adds a version that nobody reads yet. Its id is the token. */
  putPending(name: string, text: string, token: string): Promise<void>;
  /** Moves AWSCURRENT to `to` if it is at `from`. */
  moveCurrent(name: string, from: string, to: string): Promise<void>;
  /** @param recoveryWindowDays null: at once @returns when AWS will have deleted it */
  remove(name: string, recoveryWindowDays: number | null): Promise<Instant | null>;
  /** One page of the names that begin with `start`. May lag up to five minutes behind. */
  list(
    start: string,
    next: string | null,
    withDeleted: boolean,
  ): Promise<{ readonly names: readonly string[]; readonly next: string | null }>;
}
