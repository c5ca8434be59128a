import type { LookupAddress } from 'node:dns';
import type { Environment } from '../outside/command.js';

/** What services need of the process, handed in. */
export interface ServiceSettings {
  /** Of which commands get the variables that they name. */
  readonly env: Environment;
  /** The effective user id; as root a pid file must be root's. */
  readonly uid: number;
  /** Where programs are looked for; the fixed PATH when absent. */
  readonly path?: string;
  /** Looks a host name up; the system's resolver when absent. */
  readonly lookup?: (name: string, options: { all: true }) => Promise<readonly LookupAddress[]>;
}
