import { dirname, join } from 'node:path';
import { localStore } from '../config/local.js';
import { createFileRecords } from '../records/file-records.js';
import type { Records } from '../records/records.js';
import type { Environment } from './environment.js';
import type { Opened } from './open.js';

/**
 * Where this host keeps what it remembers: beside the local store, or in the state directory if the store is elsewhere.
 */
export function stateFolder({ configuration }: Opened, environment: Environment): string {
  const { store } = configuration;
  return dirname(store.type === 'directory' ? store.path : localStore(environment).path);
}

/** The folder of all keysets' records. Runs also show there what they work on. */
export function recordsFolder(opened: Opened, environment: Environment): string {
  return join(stateFolder(opened, environment), 'records');
}

/** What this host remembers of a keyset. */
export function recordsOf(opened: Opened, environment: Environment, keyset: string): Records {
  return createFileRecords({ folder: recordsFolder(opened, environment), keyset });
}
