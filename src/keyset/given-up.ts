import type { Key } from './model.js';

/** Its secret was never stored, as far as is known, so nobody but jwtrot ever saw the key. */
export function wasGivenUp(key: Key): boolean {
  return key.reason === 'failed' && key.publishedAt === null && key.signedFrom === null;
}
