import type { Configuration, KeysetConfiguration } from '../config/configuration.js';
import { loadConfiguration } from '../config/load.js';
import { openStore } from '../config/open-store.js';
import { readableStoreOf } from '../config/readable-store.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { outletFolders } from '../outlets/configured.js';
import { keepHeapSmall } from '../outside/small-heap.js';
import type { Store } from '../store/store.js';
import type { Environment } from './environment.js';
import { refuseForeignOutlets, refuseForeignStore } from './foreign-store.js';
import type { GlobalOptions } from './verb.js';

/** A configuration and the store that it names. Every verb starts with them. */
export interface Opened {
  readonly configuration: Configuration;
  /** Those that `--keyset` names; all without it. */
  readonly keysets: readonly KeysetConfiguration[];
  readonly store: Store;
}

/**
 * What a verb does with the store. `reads`: it may write outlets. `looks`: it changes nothing at all, so anyone who may
 * read the store may run it.
 */
export type StoreUse = 'commits' | 'reads' | 'looks';

/**
 * @throws JwtrotError kind `usage`: nothing was touched
 */
export async function open(
  options: GlobalOptions,
  environment: Environment,
  use: StoreUse = 'commits',
): Promise<Opened> {
  // Taken one by one: a spread would open standard input.
  const { env, uid, home } = environment;
  const configuration = await loadConfiguration({ path: options.config, env, uid, home, onLong: keepHeapSmall });
  const { store: choice } = configuration;
  const owner = use === 'looks' && choice.type === 'directory' ? await readableStoreOf(choice.path, uid) : null;
  if (choice.type !== 'directory')
    await refuseForeignOutlets(configuration.keysets.flatMap(outletFolders), environment);
  else if (owner === null) await refuseForeignStore(choice.path, environment);
  const store = await openStore(configuration, environment, { uid: owner ?? uid, reads: use !== 'commits' });
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

export function sourceOf(configuration: Configuration): string {
  return configuration.source ?? 'the built-in configuration';
}
