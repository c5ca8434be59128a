import type { Configuration, KeysetConfiguration } from '../../config/configuration.js';
import { loadConfiguration } from '../../config/load.js';
import { openStore } from '../../config/open-store.js';
import { openWrapper } from '../../config/open-wrapper.js';
import { readableStoreOf } from '../../config/readable-store.js';
import { quoteOutside } from '../../keyset/basics/outside-text.js';
import { publishedKeys } from '../../keyset/questions/keys.js';
import { systemClock } from '../../outside/system-clock.js';
import type { Snapshot, Store } from '../../store/store.js';
import { misuse, notNow } from '../failures.js';
import { heldOrImported, type KeysByKid, type VerifyingKey } from '../key-set.js';
import type { Settings } from '../settings.js';
import type { KeySource, Reading, Terms } from '../source.js';
import type { SourceChoice } from '../source-choice.js';
import type { Surroundings } from '../surroundings.js';
import { createKeychain } from './keychain.js';

type StoreChoice = Extract<SourceChoice, { type: 'store' }>;

/**
 * Keys from the store that a configuration names.
 * @throws KeyringError `bad-options`; JwtrotError if the configuration can't be read
 */
export async function storeSource(
  settings: Settings,
  { config }: StoreChoice,
  { env, uid, home }: Surroundings,
): Promise<KeySource> {
  const configuration = await loadConfiguration({ path: config, env, uid, home });
  const keyset = keysetOf(configuration, settings.keyset, config);
  const owner = configuration.store.type === 'directory' ? await readableStoreOf(configuration.store.path, uid) : null;
  const outside = { clock: systemClock, env };
  const store = await openStore(configuration, outside, { uid: owner ?? uid, reads: true });
  const wrapper = settings.role === 'verifier' ? null : await openWrapper(configuration, { ...outside, uid }, null);
  const keychain = wrapper === null ? null : createKeychain({ keyset: keyset.name, store, wrapper });
  let newest = 0;
  return {
    terms: termsOf(keyset, store),
    async read({ verifying: held }): Promise<Reading> {
      const { manifest } = await newestIn(store, keyset.name);
      // A stale replica, or a store that was set back: a retired key may be in it.
      if (manifest.revision < newest)
        throw notNow('older-revision', `the store has revision ${manifest.revision}, after ${newest}`);
      const verifying = await verifyingKeys(manifest, { algorithms: settings.algorithms, held });
      newest = manifest.revision;
      const none = { signing: null, preloaded: new Map(), problem: null };
      const signing = keychain === null ? none : await keychain.read(manifest, verifying);
      const { revision } = manifest;
      return { verifying, ...signing, revision, maxTokenTtl: null, age: store.lag, maxAge: null };
    },
    close() {
      store.close();
      wrapper?.close();
    },
  };
}

function keysetOf({ keysets }: Configuration, name: string, config: string): KeysetConfiguration {
  const found = keysets.find((keyset) => keyset.name === name);
  if (found !== undefined) return found;
  const known = keysets.map((keyset) => keyset.name).join(', ');
  throw misuse('bad-options', `openKeyring: keyset ${name} is not in ${quoteOutside(config)}, which has: ${known}`);
}

function termsOf({ policy, facts }: KeysetConfiguration, { lag }: Store): Terms {
  const { jwksMaxAge, signerMaxAge, clockSkew, maxTokenTtl } = policy;
  return { jwksMaxAge, signerMaxAge, clockSkew, maxTokenTtl, areSignersPolled: !facts.unpolledSigner, lag };
}

async function newestIn(store: Store, keyset: string): Promise<Snapshot> {
  const found = await store.readManifest(keyset).catch((cause: Error) => {
    throw notNow('store-failed', cause.message, cause);
  });
  if (found === null) throw notNow('no-keyset', `keyset ${keyset} does not exist in ${store.description} yet`);
  return found;
}

async function verifyingKeys(
  manifest: Snapshot['manifest'],
  rules: Parameters<typeof heldOrImported>[1],
): Promise<KeysByKid> {
  const keys: VerifyingKey[] = [];
  for (const { kid, alg, publicJwk } of publishedKeys(manifest))
    keys.push(await heldOrImported({ kid, alg, publicJwk }, rules));
  return new Map(keys.filter(({ pinned }) => pinned.size > 0).map((key) => [key.kid, key]));
}
