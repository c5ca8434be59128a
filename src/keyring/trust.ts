import { notNow } from './failures.js';
import type { KeyringError } from './keyring-error.js';
import { isStale, type KeysInMemory } from './keys-in-memory.js';
import type { Limits } from './limits.js';
import type { Role } from './public.js';
import type { Surroundings } from './surroundings.js';

type Clocks = Pick<Surroundings, 'now' | 'monotonic'>;

/** What of the keys may be used by now. */
export class Trust {
  readonly #limits: Limits;
  readonly #clocks: Clocks;

  constructor(limits: Limits, clocks: Clocks) {
    this.#limits = limits;
    this.#clocks = clocks;
  }

  mayVerify({ publicAsOf }: KeysInMemory): boolean {
    return !isStale(publicAsOf, this.#limits.staleAfter, this.#clocks);
  }

  maySign(keys: KeysInMemory): boolean {
    return keys.signing !== null && this.#isPrivateFresh(keys);
  }

  /** It signs, or holds the very first key, which signs only once jwtrot has seen that it is held. */
  isReadyToSign(keys: KeysInMemory): boolean {
    return keys.preloaded.size > 0 && this.#isPrivateFresh(keys);
  }

  /** @param why the newest read failed; null: it did not. @returns `no-keys` or `stale`; null: the set may be used */
  unverifiable(keys: KeysInMemory, why: string | null): KeyringError | null {
    if (this.mayVerify(keys)) return null;
    if (keys.publicAsOf === null) return notNow('no-keys', `no keys could be read yet${reason(why)}`);
    return notNow('stale', `the keys could not be read for too long, and are no longer trusted${reason(why)}`);
  }

  /** @returns `no-signing-key` or `stale`; null: there is a key to sign with */
  unsigned(keys: KeysInMemory, why: string | null): KeyringError | null {
    if (this.maySign(keys)) return null;
    if (keys.signing === null) return notNow('no-signing-key', `there is no key to sign with${reason(why)}`);
    return notNow('stale', `the signing key could not be read for too long${reason(why)}`);
  }

  /** @returns `stale` if what the role needs was read once, and may no longer be used */
  staleness(keys: KeysInMemory, role: Role, why: string | null): KeyringError | null {
    const failures = [
      role === 'signer' ? null : this.unverifiable(keys, why),
      role === 'verifier' ? null : this.unsigned(keys, why),
    ];
    return failures.find((failure) => failure?.code === 'stale') ?? null;
  }

  #isPrivateFresh({ privateAsOf }: KeysInMemory): boolean {
    return !isStale(privateAsOf, this.#limits.signStaleAfter, this.#clocks);
  }
}

function reason(why: string | null): string {
  return why === null ? '' : ` (${why})`;
}
