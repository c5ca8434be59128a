import { JwtrotError } from '../keyset/basics/error.js';
import type { Key, Tombstone } from '../keyset/manifest/key.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { activeKey } from '../keyset/questions/keys.js';
import type { KeysetContext } from './context.js';

/** The active private key, checked against its public half. The caller overwrites it. */
export async function unwrapActive(context: Unwrapping, manifest: Manifest): Promise<Uint8Array> {
  const active = activeKey(manifest);
  if (active === null) throw keyMissing(context, 'the active key');
  return unwrapKey(context, active);
}

type Unwrapping = Pick<KeysetContext, 'name' | 'store' | 'wrapper' | 'assertMatches'>;

/** The private half of a key, checked against its public half. The caller overwrites it. */
export async function unwrapKey(context: Unwrapping, key: Exclude<Key, Tombstone>): Promise<Uint8Array> {
  const { kid, thumbprint, alg, publicJwk } = key;
  const wrapped = await context.store.getKey(context.name, thumbprint);
  if (wrapped === null) throw keyMissing(context, kid);
  const privateKey = await context.wrapper.unwrap(wrapped, { keyset: context.name, kid, alg });
  try {
    await context.assertMatches(privateKey, publicJwk, kid);
  } catch (error) {
    privateKey.fill(0);
    throw error;
  }
  return privateKey;
}

function keyMissing({ store }: Unwrapping, which: string): JwtrotError {
  return new JwtrotError(
    'refused',
    'key-missing',
    `the private key of ${which} is not in ${store.description}; nothing was delivered`,
    { hint: 'restore its secret from a backup, or replace the key: jwtrot rotate --force --immediate' },
  );
}
