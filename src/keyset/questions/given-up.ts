import type { Key } from '../manifest/key.js';

/** True if its secret was probably never stored, so only jwtrot ever saw the key. */
export function wasGivenUp(key: Key): boolean {
  return key.reason === 'failed' && key.publishedAt === null && key.signedFrom === null;
}
