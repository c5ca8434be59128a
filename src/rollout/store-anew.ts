import { JwtrotError } from '../keyset/basics/error.js';
import type { ImportingKey } from '../keyset/manifest/key.js';
import type { KeysetContext } from './context.js';

/**
 * Wraps and stores a key that the manifest names already, and whose private half only a delivered file holds. It must
 * match the manifest's public half, so the file needs no other proof.
 * @returns whether an attempt at the put may still land; null: no file holds the key
 */
export async function storeAnew(
  context: KeysetContext,
  key: ImportingKey,
): Promise<{ readonly inDoubt: boolean } | null> {
  const { store, name: keyset, wrapper } = context;
  const { kid, alg, publicJwk, thumbprint } = key;
  const privateKey = await context.deliveredKey(thumbprint);
  if (privateKey === null) return null;
  try {
    await context.assertMatches(privateKey, publicJwk, kid);
    const wrapped = await wrapper.wrap(privateKey, { keyset, kid, alg });
    return await store.putKey(keyset, thumbprint, wrapped);
  } finally {
    privateKey.fill(0);
  }
}

/** @returns exit 5; what was done so far stands */
export function privateHalfGone(keyset: string, kid: string): JwtrotError {
  return new JwtrotError(
    'refused',
    'key-missing',
    `the private half of ${kid} is in no delivered file of keyset ${keyset} any more; what was done so far stands`,
    { hint: `import it: jwtrot import --pem FILE; if it is lost: jwtrot retire --kid ${kid}` },
  );
}
