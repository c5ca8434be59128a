import { HOUR } from '../keyset/basics/clock.js';
import type { Configuration } from './configuration.js';
import { findConfiguration, type Surroundings } from './find.js';
import { localStore, localWrap } from './local.js';
import { completePolicy, serviceFacts } from './policy.js';
import { readConfiguration } from './read.js';

export interface LoadOptions extends Surroundings {
  /** `--config`. */
  readonly path?: string | undefined;
  /** Called before a long configuration is parsed, which takes memory. */
  readonly onLong?: (() => void) | undefined;
}

/** Characters. A longer configuration lists hundreds of instances. */
const LONG = 8 * 1024;
/** Characters. A longer one lists more instances than are allowed, so it only has to be refused fast. */
const VERY_LONG = 256 * 1024;

/**
 * Finds, reads and checks the configuration, and fills in every default. Without a file it returns the built-in one.
 * @throws JwtrotError (exit 2) `config-not-found`, `config-unreadable`, `config-writable`, `config-owner`, `bad-config`
 */
export async function loadConfiguration(options: LoadOptions): Promise<Configuration> {
  const path = await findConfiguration(options.path, options);
  if (path === null) return builtInConfiguration(options);
  const text = await readConfiguration(path, options.uid);
  if (text.length > LONG && text.length < VERY_LONG) options.onLong?.();
  // YAML and the schema take 30 ms to load; a host without a configuration needs neither.
  const { checkConfiguration } = await import('./check.js');
  return checkConfiguration(text, path, options);
}

/** One keyset `default` in the local store, with no services (docs/design.md, section 5). */
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
