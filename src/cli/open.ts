import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Configuration, KeysetConfiguration } from '../config/configuration.js';
import { loadConfiguration } from '../config/load.js';
import { localStore } from '../config/local.js';
import { thumbprintOf } from '../keys/thumbprint.js';
import { JwtrotError } from '../keyset/error.js';
import { quoteOutside } from '../keyset/outside-text.js';
import { forbidCoreDumps } from '../outside/core-dumps.js';
import { createLinuxHost } from '../outside/linux-host.js';
import type { KeysetContext } from '../rollout/context.js';
import type { Store } from '../store/store.js';
import type { Wrapper } from '../wrap/wrapper.js';
import type { Environment } from './environment.js';
import type { Output } from './output/output.js';
import type { GlobalOptions } from './verb.js';

/** A configuration with the store it names: what every verb starts from. */
export interface Opened {
  readonly configuration: Configuration;
  /** Those that `--keyset` names, else all. */
  readonly keysets: readonly KeysetConfiguration[];
  readonly store: Store;
}

/** @throws JwtrotError kind `usage`: nothing was touched */
export async function open(options: GlobalOptions, environment: Environment): Promise<Opened> {
  const configuration = await loadConfiguration({ path: options.config, ...environment });
  const store = await openStore(configuration, environment);
  return { configuration, keysets: choose(configuration, options.keyset), store };
}

function choose(configuration: Configuration, names: readonly string[] | undefined): readonly KeysetConfiguration[] {
  if (names === undefined) return configuration.keysets;
  return [...new Set(names)].map((name) => {
    const found = configuration.keysets.find((keyset) => keyset.name === name);
    if (found !== undefined) return found;
    const known = configuration.keysets.map((keyset) => keyset.name).join(', ');
    throw new JwtrotError(
      'usage',
      'no-such-keyset',
      `keyset ${quoteOutside(name)} is not in ${sourceOf(configuration)}`,
      {
        hint: `it has: ${known}`,
      },
    );
  });
}

export function sourceOf(configuration: Configuration): string {
  return configuration.source ?? 'the built-in configuration';
}

async function openStore({ store }: Configuration, environment: Environment): Promise<Store> {
  const { clock, env, uid } = environment;
  if (store.type === 'directory') {
    const { createDirectoryStore } = await import('../store/directory.js');
    return createDirectoryStore({ path: store.path, clock, uid, thumbprintOf });
  }
  const { createSecretsManagerStore } = await import('../store/secrets-manager/store.js');
  return createSecretsManagerStore({ prefix: store.prefix, clock, env, thumbprintOf });
}

async function openWrapper({ configuration, store }: Opened, environment: Environment): Promise<Wrapper> {
  const { clock, env, uid } = environment;
  const { wrap } = configuration;
  if (wrap.type === 'kms') {
    const { createKmsWrapper } = await import('../wrap/kms.js');
    return createKmsWrapper({ keyId: wrap.keyId, clock, env });
  }
  const { createLocalWrapper } = await import('../wrap/local.js');
  const kek = 'file' in wrap.kek ? wrap.kek : { ...wrap.kek, directory: env['CREDENTIALS_DIRECTORY'] };
  return createLocalWrapper({ kek, mayCreateKek: async () => !(await store.holdsKeys()), uid });
}

/** Where command outlets' records lie: beside the local store, else in the state directory. */
function recordsIn({ configuration }: Opened, environment: Environment): string {
  const { store } = configuration;
  return join(dirname(store.type === 'directory' ? store.path : localStore(environment).path), 'outlets');
}

/** Everything that a run of these keysets touches. */
export async function openContexts(
  opened: Opened,
  environment: Environment,
  output: Output,
  verb: string,
): Promise<KeysetContext[]> {
  const [wrapper, { createServicePort }, { createOutletPort }] = await Promise.all([
    openWrapper(opened, environment),
    import('../services/port.js'),
    import('../outlets/port.js'),
  ]);
  const { clock, env, uid, signal } = environment;
  const host = createLinuxHost();
  return opened.keysets.map((keyset) => ({
    name: keyset.name,
    policy: keyset.policy,
    services: keyset.services.map((service) => createServicePort(service, { env, uid })),
    outlets: createOutletPort({
      keyset: keyset.name,
      publish: keyset.publish,
      deliver: keyset.deliver,
      stateDirectory: recordsIn(opened, environment),
      env,
      clock,
      newId: randomUUID,
    }),
    store: opened.store,
    wrapper: guarded(wrapper),
    generateKey: async (alg, modulusLength) => {
      await forbidCoreDumps();
      const { generateKey } = await import('../keys/generate.js');
      return generateKey(alg, modulusLength);
    },
    assertMatches: async (privateKey, publicJwk, kid) => {
      const { assertMatches } = await import('../keys/matches.js');
      assertMatches(privateKey, publicJwk, kid);
    },
    clock,
    random: Math.random,
    newId: randomUUID,
    host,
    bound: isBound(keyset),
    signal,
    report: (event) => output.progress(event),
    verb,
  }));
}

/** No private key is in this process's memory before its core dumps are off. */
function guarded(wrapper: Wrapper): Wrapper {
  return {
    description: wrapper.description,
    wrap: (privateKey, context) => wrapper.wrap(privateKey, context),
    unwrap: async (key, context) => {
      await forbidCoreDumps();
      return wrapper.unwrap(key, context);
    },
    close: () => wrapper.close(),
  };
}

/** File outlets and local reloads are of one host: nobody else may believe to have done them. */
function isBound(keyset: KeysetConfiguration): boolean {
  const local = new Set(['systemd', 'signal', 'command']);
  return (
    keyset.deliver.length > 0 ||
    keyset.publish.some((outlet) => outlet.type === 'file') ||
    keyset.services.some((service) => local.has(service.reload.type))
  );
}
