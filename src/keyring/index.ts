import { open } from './open.js';
import type { Keyring, KeyringOptions } from './public.js';
import { processSurroundings } from './surroundings.js';

export { KeyringError } from './keyring-error.js';

/**
 * Opens the keys of a keyset for this process: it reads them, keeps them new, signs and verifies with them, and answers
 * what jwtrot polls. It also opens while the source can't be read, or holds nothing yet: `health()` then has status 503
 * and says why, and the first keys are taken as soon as they are there.
 * @throws KeyringError `bad-options` if that can never work
 */
export function openKeyring(options: KeyringOptions): Promise<Keyring> {
  return open(options, processSurroundings());
}
