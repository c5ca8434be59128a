import { JwtrotError } from '../keyset/basics/error.js';
import type { OtherHistory } from '../keyset/history/other-history.js';
import type { Key } from '../keyset/manifest/key.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { isPublished } from '../keyset/manifest/states.js';
import type { KeysetContext } from './context.js';

/**
 * Finds a key in use whose secret is gone, or ordered deleted. Such a manifest is out of date: the manifests were
 * restored from a backup, and the secrets were not.
 * @throws JwtrotError kind `store`
 */
export async function goneSecret(
  { store, name }: Pick<KeysetContext, 'store' | 'name'>,
  { keys }: Manifest,
): Promise<OtherHistory | null> {
  const inUse = keys.filter((key) => key.hasPrivate && isPublished(key.state));
  const there = await Promise.all(inUse.map((key) => isStored(store.getKey(name, key.thumbprint))));
  const gone: Key | undefined = inUse.find((_, i) => there[i] === false);
  return gone === undefined ? null : { why: 'secret-gone', kid: gone.kid };
}

/** A damaged secret counts as stored. */
async function isStored(getting: ReturnType<KeysetContext['store']['getKey']>): Promise<boolean> {
  try {
    return (await getting) !== null;
  } catch (error) {
    if (error instanceof JwtrotError && error.kind === 'refused') return true;
    throw error;
  }
}
