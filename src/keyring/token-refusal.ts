import { errnoOf } from '../outside/errno.js';
import { refused } from './failures.js';
import { KeyringError, type KeyringErrorCode } from './keyring-error.js';

type Refusal = readonly [code: KeyringErrorCode, message: string];

/** By the stable codes of jose's errors. Its messages may quote the token's text, so they stay in `cause`. */
const REFUSALS: ReadonlyMap<string, Refusal> = new Map<string, Refusal>([
  ['ERR_JWS_INVALID', ['bad-token', 'it is no signed token (RFC 7519)']],
  ['ERR_JWT_INVALID', ['bad-token', 'it is no signed token (RFC 7519)']],
  ['ERR_JOSE_NOT_SUPPORTED', ['header-refused', "the token's header asks for something that is not supported"]],
  ['ERR_JOSE_ALG_NOT_ALLOWED', ['alg-refused', "the token's alg is not one that signs with a key pair"]],
  ['ERR_JWS_SIGNATURE_VERIFICATION_FAILED', ['bad-signature', "the token's signature is wrong"]],
  ['ERR_JWT_EXPIRED', ['token-expired', 'the token has expired']],
]);

const CLAIMS: ReadonlyMap<string, Refusal> = new Map<string, Refusal>([
  ['iss', ['issuer-refused', "the token's issuer is not the expected one"]],
  ['aud', ['audience-refused', 'the token is for another audience']],
  ['typ', ['type-refused', 'the token is of another type']],
  ['nbf', ['token-not-yet-valid', 'the token is not valid yet']],
]);

/** The error that `verify` throws for what jose or the search for the key threw. */
export function tokenRefusal(error: unknown): unknown {
  if (error instanceof KeyringError) return error;
  const code = errnoOf(error);
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') {
    const { claim } = error as { claim?: unknown };
    const name = typeof claim === 'string' ? claim : '';
    const [known, message] = CLAIMS.get(name) ?? ['claim-refused', `the token's claim ${name} is missing or wrong`];
    return refused(known, message, error);
  }
  const known = REFUSALS.get(code);
  return known === undefined ? error : refused(known[0], known[1], error);
}
