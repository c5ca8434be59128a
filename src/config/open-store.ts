import { thumbprintOf } from '../keys/thumbprint.js';
import type { Clock } from '../keyset/basics/clock.js';
import { createDirectoryStore } from '../store/directory.js';
import type { Store } from '../store/store.js';
import type { Configuration } from './configuration.js';

/** What a store and a wrapper need of the process. */
export interface Outside {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface StoreUse {
  /** The owner of a directory. */
  readonly uid: number;
  /** It only reads, so it ignores what a later jwtrot added to a manifest. */
  readonly reads: boolean;
}

/** The store that a configuration names. It is read at the first call, and AWS is loaded then. */
export async function openStore(
  { store }: Pick<Configuration, 'store'>,
  { clock, env }: Outside,
  { uid, reads }: StoreUse,
): Promise<Store> {
  if (store.type === 'directory') return createDirectoryStore({ path: store.path, clock, uid, reads, thumbprintOf });
  const { createSecretsManagerStore } = await import('../store/secrets-manager/store.js');
  return createSecretsManagerStore({ prefix: store.prefix, clock, env, reads, thumbprintOf });
}
