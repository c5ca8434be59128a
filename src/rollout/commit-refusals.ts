import { JwtrotError } from '../keyset/basics/error.js';
import type { KeysetContext } from './context.js';

/*
 * Errors: nothing could be committed, or the outlets could not be written from a fresh read.
 */

type KeysetInStore = Pick<KeysetContext, 'name' | 'store'>;

export function noSuchKeyset({ name, store }: KeysetInStore): JwtrotError {
  return new JwtrotError('refused', 'no-keyset', `keyset ${name} does not exist in ${store.description}`, {
    hint: 'jwtrot rotate makes it; jwtrot import adopts a key that is in use',
  });
}

export function contended(name: string): JwtrotError {
  return new JwtrotError(
    'store',
    'commit-contended',
    `keyset ${name} is written by somebody else all the time, or its store keeps answering with an old copy; nothing was changed by this step`,
    { hint: 'run the command again in a minute; if it goes on, find out who else writes to it' },
  );
}

export function staleRead({ name, store }: KeysetInStore): JwtrotError {
  return new JwtrotError(
    'store',
    'stale-read',
    `${store.description} keeps answering with an older manifest of keyset ${name}; outlets were not written`,
    { hint: 'run the command again in a minute' },
  );
}
