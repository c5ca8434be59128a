import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { KeysetConfiguration } from '../config/configuration.js';
import { localStore } from '../config/local.js';
import { createOutletPort } from '../outlets/port.js';
import { forbidCoreDumps } from '../outside/core-dumps.js';
import { createLinuxHost } from '../outside/linux-host.js';
import type { KeysetContext } from '../rollout/context.js';
import { createServicePort } from '../services/port.js';
import type { Wrapper } from '../wrap/wrapper.js';
import type { Environment } from './environment.js';
import type { Opened } from './open.js';
import type { Output } from './output/output.js';

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
  const wrapper = await openWrapper(opened, environment);
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
