import { dirname } from 'node:path';
import type { Configuration, KeysetConfiguration } from '../config/configuration.js';
import { loadConfiguration } from '../config/load.js';
import { thumbprintOf } from '../keys/thumbprint.js';
import { JwtrotError } from '../keyset/error.js';
import { quoteOutside } from '../keyset/outside-text.js';
import { createDirectoryStore } from '../store/directory.js';
import type { Store } from '../store/store.js';
import type { Environment } from './environment.js';
import { refuseForeignOutlets, refuseForeignStore } from './foreign-store.js';
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
  // One by one: a spread would open standard input.
  const { env, uid, home } = environment;
  const configuration = await loadConfiguration({ path: options.config, env, uid, home });
  if (configuration.store.type === 'directory') await refuseForeignStore(configuration.store.path, environment);
  else await refuseForeignOutlets(outletFolders(configuration), environment);
  const store = await openStore(configuration, environment, uid);
  return { configuration, keysets: choose(configuration, options.keyset), store };
}

export function choose(
  configuration: Configuration,
  names: readonly string[] | undefined,
): readonly KeysetConfiguration[] {
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

function outletFolders({ keysets }: Configuration): string[] {
  const published = keysets.flatMap(({ publish }) =>
    publish.flatMap((outlet) => ('path' in outlet ? [outlet.path] : [])),
  );
  const delivered = keysets.flatMap(({ deliver }) => deliver.map((outlet) => outlet.path));
  return [...published, ...delivered].map((path) => dirname(path));
}

export function sourceOf(configuration: Configuration): string {
  return configuration.source ?? 'the built-in configuration';
}

/** @param uid whose store it is */
export async function openStore({ store }: Configuration, environment: Environment, uid: number): Promise<Store> {
  const { clock, env } = environment;
  if (store.type === 'directory') {
    return createDirectoryStore({ path: store.path, clock, uid, thumbprintOf });
  }
  const { createSecretsManagerStore } = await import('../store/secrets-manager/store.js');
  return createSecretsManagerStore({ prefix: store.prefix, clock, env, thumbprintOf });
}
