/** Why something failed. Stable: a program may compare it. */
export type KeyringErrorCode =
  // What was asked for can't work (500).
  | 'bad-options'
  | 'wrong-role'
  | 'reserved-claim'
  | 'ttl-too-long'
  | 'ttl-unknown'
  | 'closed'
  // Not now (503).
  | 'no-keys'
  | 'no-signing-key'
  | 'stale'
  // The token is refused (401).
  | 'bad-token'
  | 'alg-refused'
  | 'header-refused'
  | 'kid-missing'
  | 'unknown-kid'
  | 'bad-signature'
  | 'token-expired'
  | 'token-not-yet-valid'
  | 'issuer-refused'
  | 'audience-refused'
  | 'type-refused'
  | 'claim-refused'
  // A read of the source failed (503). They stand in `health().error`.
  | 'source-unreadable'
  | 'bad-jwks'
  | 'bad-key'
  | 'duplicate-kid'
  | 'private-member'
  | 'too-many-keys'
  | 'wrong-use'
  | 'jwk-without-kid'
  | 'alg-missing'
  | 'bad-key-file'
  | 'other-keyset'
  | 'key-not-published'
  | 'old-answer'
  | 'older-revision'
  | 'no-keyset'
  | 'store-failed';

/** A failure that the keyring foresaw. Never holds a secret or a token. */
export class KeyringError extends Error {
  override readonly name = 'KeyringError';
  readonly code: KeyringErrorCode;
  /** The HTTP status that fits: 401 (this token), 503 (later again), 500 (a mistake in the service). */
  readonly status: 401 | 500 | 503;

  constructor(code: KeyringErrorCode, status: 401 | 500 | 503, message: string, details: { cause?: unknown } = {}) {
    super(message, details);
    this.code = code;
    this.status = status;
  }
}
