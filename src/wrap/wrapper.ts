import type { KeyContext, WrappedKey } from '../keyset/wrapped-key.js';

/**
 * Encrypts private keys under a key-encryption key. Every implementation passes `test/conformance/wrapper.ts`.
 * Throws `JwtrotError`: kind `store` when the KEK's keeper can't be reached or says no, kind `refused` when the KEK is
 * missing or a ciphertext is not what it says. All calls are bounded in time.
 */
export interface Wrapper {
  /** For people and errors: `KMS alias/jwtrot`, `local KEK /etc/jwtrot/kek`. */
  readonly description: string;
  /** @param privateKey PKCS#8 DER; the caller overwrites it afterwards */
  wrap(privateKey: Uint8Array, context: KeyContext): Promise<WrappedKey>;
  /** @returns PKCS#8 DER in a buffer of the caller's own, to be overwritten after use */
  unwrap(key: WrappedKey, context: KeyContext): Promise<Uint8Array>;
  close(): void;
}
