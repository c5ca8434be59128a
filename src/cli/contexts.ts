import { randomUUID } from 'node:crypto';
import type { KeysetConfiguration } from '../config/configuration.js';
import { openWrapper } from '../config/open-wrapper.js';
import type { SignToken } from '../keys/sign-token.js';
import { forbidCoreDumps } from '../outside/core-dumps.js';
import { dropKeyObjectsSoon } from '../outside/key-objects.js';
import { createLinuxHost } from '../outside/linux-host.js';
import type { KeysetContext } from '../rollout/context.js';
import { createServicePort } from '../services/port.js';
import { ageNote, deniedHint, setupAge } from '../setup/age.js';
import type { Wrapper } from '../wrap/wrapper.js';
import type { Environment } from './environment.js';
import type { Opened } from './open.js';
import { outletsOf } from './outlets.js';
import type { Output } from './output/output.js';
import { refuseDebugger } from './private-memory.js';
import { recordsFolder, recordsOf } from './state.js';
import { noteUnusedConfiguration } from './unused-configuration.js';

/** Opens everything that a run of these keysets touches. */
export async function openContexts(
  opened: Opened,
  environment: Environment,
  output: Output,
  verb: string,
): Promise<KeysetContext[]> {
  await refuseDebugger();
  await noteUnusedConfiguration(opened.configuration, verb, output);
  const { clock, env, uid, signal } = environment;
  const wrapper = await openWrapper(opened.configuration, { clock, env, uid }, opened.store);
  const age = await setupAge(opened.configuration);
  const note = ageNote(opened.configuration, age);
  if (note !== null) output.say(`note: ${note}`, 'warning');
  const settings = { env, uid, ...(age === null ? {} : { whenDenied: deniedHint(age) }) };
  const host = createLinuxHost(environment.script, recordsFolder(opened, environment));
  return opened.keysets.map((keyset) => ({
    name: keyset.name,
    policy: keyset.policy,
    services: keyset.services.map((service) => createServicePort(service, settings)),
    outlets: outletsOf(opened, environment, keyset),
    store: opened.store,
    records: recordsOf(opened, environment, keyset.name),
    wrapper: guarded(wrapper),
    ...keyTools(keyset.deliver.flatMap((one) => (one.type === 'file' ? [one.path] : []))),
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

type KeyTools = Pick<KeysetContext, 'generateKey' | 'deliveredKey' | 'assertMatches' | 'openSigner'>;

/** The key goes with the signer: nothing else refers to it. */
const openSigner: KeysetContext['openSigner'] = async (privateKey, key) => {
  await forbidCoreDumps();
  const { tokenSigner } = await import('../keys/sign-token.js');
  let signer: SignToken | null = tokenSigner(privateKey, key);
  return {
    sign: async (claims, typ) => {
      if (signer === null) throw new Error('a canary was to be signed after its key was let go of');
      return signer(claims, typ);
    },
    close() {
      signer = null;
      dropKeyObjectsSoon();
    },
  };
};

/** What handles private halves. @param delivered the paths of delivered key files */
function keyTools(delivered: string[]): KeyTools {
  return {
    generateKey: (...kind) => withKeys(async () => (await import('../keys/generate.js')).generateKey(...kind)),
    deliveredKey: (thumbprint) =>
      withKeys(async () => (await import('../outlets/delivered-key.js')).privateHalfIn(delivered, thumbprint)),
    assertMatches: (...halves) => withKeys(async () => (await import('../keys/matches.js')).assertMatches(...halves)),
    openSigner,
  };
}

/** Turns core dumps off before a private key or the KEK enters this process's memory, and lets go of it right after. */
async function withKeys<T>(work: () => Promise<T>): Promise<T> {
  await forbidCoreDumps();
  try {
    return await work();
  } finally {
    dropKeyObjectsSoon();
  }
}

function guarded(wrapper: Wrapper): Wrapper {
  return {
    description: wrapper.description,
    wrap: (privateKey, context, givenUp) => withKeys(() => wrapper.wrap(privateKey, context, givenUp)),
    unwrap: (key, context) => withKeys(() => wrapper.unwrap(key, context)),
    close: () => wrapper.close(),
  };
}

/** Files and local reloads work on one host. No other host may think that it has done them. */
function isBound(keyset: KeysetConfiguration): boolean {
  const local = new Set(['systemd', 'signal', 'command']);
  return (
    keyset.deliver.length > 0 ||
    keyset.publish.some((outlet) => outlet.type !== 'command') ||
    keyset.services.some((service) => local.has(service.reload.type))
  );
}
