import type { LookupAddress } from 'node:dns';
import type { Environment } from '../outside/command.js';

/** The parts of the process's environment that services need. The caller passes them in. */
export interface ServiceSettings {
  /** Commands get the variables that they name from it. */
  readonly env: Environment;
  /** The effective user id: files that are read must belong to it or to root. */
  readonly uid: number;
  /** A program or a name server lists the instances: no secret goes to a link-local or metadata address among them. */
  readonly isFound?: boolean;
  /** Default: `FIXED_PATH`. */
  readonly path?: string;
  /** The hint when systemd denies a reload. Default: write a polkit rule by hand. */
  readonly whenDenied?: string;
  /** Looks up a host name. Default: the system's resolver. */
  readonly lookup?: (name: string, options: { all: true }) => Promise<readonly LookupAddress[]>;
}
