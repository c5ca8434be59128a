import type { KeyContext, WrappedKey } from '../keyset/manifest/wrapped-key.js';

/**
 * Encrypts private keys under a key-encryption key. Every implementation passes `test/conformance/wrapper.ts`. Calls have
 * time limits and throw `JwtrotError`: kind `store` when the KEK's provider can't be reached or refuses, kind `refused`
 * when the KEK is missing or a ciphertext is not what it claims to be.
 */
export interface Wrapper {
  /** For people: `KMS alias/jwtrot`, `local KEK /etc/jwtrot/kek`. */
  readonly description: string;
  /**
   * @param privateKey PKCS#8 DER; the caller overwrites it afterwards
   * @param givenUp aborts the call
   */
  wrap(privateKey: Uint8Array, context: KeyContext, givenUp?: AbortSignal): Promise<WrappedKey>;
  /** @returns PKCS#8 DER in a new buffer, which the caller overwrites after use */
  unwrap(key: WrappedKey, context: KeyContext): Promise<Uint8Array>;
  close(): void;
}
