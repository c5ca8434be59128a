import type { Store } from '../store/store.js';
import type { Wrapper } from '../wrap/wrapper.js';
import type { Configuration } from './configuration.js';
import type { Outside } from './open-store.js';

/**
 * The wrapper that a configuration names.
 * @param store a KEK that is missing is made only while it holds no keys; null: never
 */
export async function openWrapper(
  { wrap }: Pick<Configuration, 'wrap'>,
  { clock, env, uid }: Outside & { readonly uid: number },
  store: Pick<Store, 'holdsKeys'> | null,
): Promise<Wrapper> {
  if (wrap.type === 'kms') {
    const { createKmsWrapper } = await import('../wrap/kms.js');
    return createKmsWrapper({ keyId: wrap.keyId, clock, env });
  }
  const { createLocalWrapper } = await import('../wrap/local.js');
  const kek = 'file' in wrap.kek ? wrap.kek : { ...wrap.kek, directory: env['CREDENTIALS_DIRECTORY'] };
  return createLocalWrapper({ kek, mayCreateKek: async () => store !== null && !(await store.holdsKeys()), uid });
}
