import { quoteOutside } from '../keyset/basics/outside-text.js';
import { KeyringError } from './keyring-error.js';
import type { KeysInMemory } from './keys-in-memory.js';
import type { Health } from './public.js';

/** What of the keys may be used now. */
export interface Usable {
  readonly mayVerify: boolean;
  readonly maySign: boolean;
  /** Whether it holds what its role needs. */
  readonly isWell: boolean;
  readonly error: string | null;
}

export function healthOf(keys: KeysInMemory, { mayVerify, maySign, isWell, error }: Usable): Health {
  const health = {
    kid: isWell && maySign ? (keys.signing?.kid ?? null) : null,
    kids: isWell && mayVerify ? [...keys.verifying.keys()] : [],
    preloaded: isWell ? [...keys.preloaded.keys()] : [],
    revision: keys.revision,
    loadedAt: keys.loadedAt === null ? null : new Date(keys.loadedAt).toISOString(),
    error,
  };
  // Not in the JSON, which is what jwtrot polls.
  Object.defineProperty(health, 'status', { value: isWell ? 200 : 503, enumerable: false });
  return health as typeof health & Pick<Health, 'status'>;
}

/** One line for `health().error`. */
export function describe(error: unknown): string {
  if (error instanceof KeyringError) return `${error.code}: ${error.message}`;
  return `unforeseen: ${quoteOutside(String(error))}`;
}
