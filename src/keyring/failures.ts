import { KeyringError, type KeyringErrorCode } from './keyring-error.js';

/** What was asked for can't work: a mistake in the service. */
export function misuse(code: KeyringErrorCode, message: string, cause?: unknown): KeyringError {
  return new KeyringError(code, 500, message, details(cause));
}

/** It may work later: the source can't be read, or there is no key yet. */
export function notNow(code: KeyringErrorCode, message: string, cause?: unknown): KeyringError {
  return new KeyringError(code, 503, message, details(cause));
}

/** This token is not accepted. */
export function refused(code: KeyringErrorCode, message: string, cause?: unknown): KeyringError {
  return new KeyringError(code, 401, message, details(cause));
}

function details(cause: unknown): { cause?: unknown } {
  return cause === undefined ? {} : { cause };
}
