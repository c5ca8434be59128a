import { JwtrotError } from '../keyset/basics/error.js';

/*
 * Errors about a wrapped key, with the same codes in every store. `where`: a path, or `secret NAME`.
 */

/** @returns exit 5 */
export function keyDamaged(where: string, why: string): JwtrotError {
  return new JwtrotError(
    'refused',
    'key-damaged',
    `the wrapped key in ${where} is damaged: ${why}; it was not used and nothing was changed`,
    { hint: 'restore it from a backup, or replace the key: jwtrot rotate --force' },
  );
}

/** Somebody else stored another ciphertext of the key. @param look a command that shows who @returns exit 5 */
export function keyExists(where: string, look: string, cause?: unknown): JwtrotError {
  return new JwtrotError(
    'refused',
    'key-exists',
    `${where} already holds the key, wrapped differently; it was left as it is`,
    {
      hint: `see who wrote it: ${look}`,
      cause,
    },
  );
}

/** @param hint how to take the order back, if that is possible @returns exit 5 */
export function keyDeleted(where: string, hint: string, cause?: unknown): JwtrotError {
  const message = `the deletion of the key in ${where} was ordered; it was not stored again`;
  return new JwtrotError('refused', 'key-deleted', message, { hint, cause });
}
