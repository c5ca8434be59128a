import type { Algorithm } from '../basics/algorithm.js';

/** The context that a ciphertext is bound to, so that it can't pass for another key. */
export interface KeyContext {
  readonly keyset: string;
  readonly kid: string;
  readonly alg: Algorithm;
}

/** A private key (PKCS#8 DER) encrypted by KMS, as it is stored. */
export interface KmsWrappedKey {
  readonly kid: string;
  readonly alg: Algorithm;
  /** The key ARN from KMS's answer. `Decrypt` names it. */
  readonly kmsKeyId: string;
  /** The encryption context as KMS sees it. */
  readonly context: Readonly<Record<string, string>>;
  /** Base64. */
  readonly ciphertext: string;
}

/** A private key (PKCS#8 DER) encrypted under a local KEK: a compact JWE (RFC 7516), `dir` with `A256GCM`. */
export interface JweWrappedKey {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly jwe: string;
}

export type WrappedKey = KmsWrappedKey | JweWrappedKey;
