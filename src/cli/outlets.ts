import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { KeysetConfiguration } from '../config/configuration.js';
import type { OutletPort } from '../outlets/outlet.js';
import { createOutletPort } from '../outlets/port.js';
import type { Environment } from './environment.js';
import type { Opened } from './open.js';
import { recordsOf, stateFolder } from './state.js';

/** The outlets of a keyset on this host. */
export function outletsOf(opened: Opened, environment: Environment, keyset: KeysetConfiguration): OutletPort {
  const { clock, env } = environment;
  return createOutletPort({
    keyset: keyset.name,
    publish: keyset.publish,
    deliver: keyset.deliver,
    stateDirectory: join(stateFolder(opened, environment), 'outlets'),
    env,
    records: recordsOf(opened, environment, keyset.name),
    clock,
    newId: randomUUID,
  });
}
