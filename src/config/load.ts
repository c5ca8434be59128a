import { HOUR } from '../keyset/clock.js';
import type { Configuration } from './configuration.js';
import { findConfiguration, type Surroundings } from './find.js';
import { localStore, localWrap } from './local.js';
import { completePolicy, serviceFacts } from './policy.js';
import { readConfiguration } from './read.js';

export interface LoadOptions extends Surroundings {
  /** `--config`. */
  readonly path?: string | undefined;
}

/**
 * Finds, reads and checks the configuration, and fills in every default. Without a file the built-in one holds.
 * @throws JwtrotError (exit 2) `config-not-found`, `config-unreadable`, `config-writable`, `config-owner`, `bad-config`
 */
export async function loadConfiguration(options: LoadOptions): Promise<Configuration> {
  const path = await findConfiguration(options.path, options);
  if (path === null) return builtInConfiguration(options);
  const text = await readConfiguration(path, options.uid);
  // YAML and the schema take 30 ms to load; a host without a configuration needs neither.
  const { checkConfiguration } = await import('./check.js');
  return checkConfiguration(text, path, options);
}

/** One keyset `default` in the local store, with no services (DESIGN.md, section 5). */
function builtInConfiguration(surroundings: Surroundings): Configuration {
  const store = localStore(surroundings);
  const facts = serviceFacts([]);
  const policy = completePolicy({ maxTokenTtl: 24 * HOUR }, facts);
  return {
    source: null,
    store,
    wrap: localWrap(store.path),
    keysets: [{ name: 'default', policy, facts, publish: [], deliver: [], services: [] }],
  };
}
