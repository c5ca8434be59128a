import type { Duration } from '../keyset/basics/clock.js';
import type { KeysByKid } from './key-set.js';
import type { KeyringError } from './keyring-error.js';
import type { KeysInMemory, SigningKey } from './keys-in-memory.js';

/** What one read of a source found. */
export interface Reading {
  readonly verifying: KeysByKid;
  /** The key that is to sign; null: none is. `unread`: that could not be found out, so the former one goes on. */
  readonly signing: SigningKey | null | 'unread';
  /** Private keys that are held besides. */
  readonly preloaded: ReadonlyMap<string, SigningKey>;
  /** What is wrong with the private halves, although the public ones could be read. */
  readonly problem: KeyringError | null;
  readonly revision: number | null;
  readonly maxTokenTtl: Duration | null;
  /** How old the answer was when it came. */
  readonly age: Duration;
  /** When the source says that it is worth asking again; null: it doesn't say. */
  readonly maxAge: Duration | null;
}

/** What a source knows of the keyset's policy; null: it doesn't. */
export interface Terms {
  readonly jwksMaxAge: Duration | null;
  readonly signerMaxAge: Duration | null;
  readonly clockSkew: Duration | null;
  readonly maxTokenTtl: Duration | null;
  /** How long after a change a read may still answer with what was before. */
  readonly lag: Duration;
  /** Every signer is polled, so that none has to stop by itself. */
  readonly areSignersPolled: boolean;
}

export const UNKNOWN_TERMS: Terms = {
  jwksMaxAge: null,
  signerMaxAge: null,
  clockSkew: null,
  maxTokenTtl: null,
  lag: 0,
  areSignersPolled: false,
};

/** Where keys are read from. */
export interface KeySource {
  readonly terms: Terms;
  /** @throws KeyringError with a status of 503; nothing is lost then */
  read(held: KeysInMemory, signal: AbortSignal): Promise<Reading>;
  close(): void;
}
