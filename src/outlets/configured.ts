import { dirname } from 'node:path';
import type { Duration } from '../keyset/basics/clock.js';
import type { Command } from '../outside/command.js';

/** Where public keys go. */
export type PublishOutlet =
  | {
      readonly type: 'file';
      readonly path: string;
      readonly format: PublishFormat;
      readonly mode: number;
      /** Allow a directory where others than jwtrot and root can write. */
      readonly allowShared: boolean;
      /** Polled after writing, until it serves the expected kids. */
      readonly url: string | null;
    }
  | {
      readonly type: 'directory';
      readonly path: string;
      readonly format: 'pem-files';
      readonly mode: number;
      readonly allowShared: boolean;
      readonly url: null;
    }
  | {
      readonly type: 'command';
      readonly command: Command;
      readonly format: PublishFormat;
      readonly timeout: Duration;
      readonly url: string | null;
    };

/** `jwks`: the JWK Set. `pem`: the active key's SPKI. `pem-files`: an SPKI for each key in the JWKS. */
export type PublishFormat = 'jwks' | 'pem' | 'pem-files';

/** Where the active private key goes, for signers that can't ask KMS themselves. */
export type DeliverOutlet = DeliverFile | DeliverCommand;

/** `pem`: PKCS#8. `jwk`: with its kid. */
export type DeliverFormat = 'pem' | 'jwk';

export interface DeliverCommand {
  readonly type: 'command';
  /** Takes the key on its standard input. */
  readonly command: Command;
  /** Prints the kid of the key that is there now; nothing: none is. */
  readonly holds: Command;
  readonly format: DeliverFormat;
  /** For `command`, and for `holds` as far as it is shorter than what a look at an outlet may take. */
  readonly timeout: Duration;
}

export interface DeliverFile {
  readonly type: 'file';
  readonly path: string;
  readonly format: DeliverFormat;
  readonly mode: number;
  /** A name or a number; null: that of the process. */
  readonly owner: string | number | null;
  readonly group: string | number | null;
  /** Allow a directory that is not on a tmpfs or ramfs. */
  readonly allowDisk: boolean;
}

interface Configured {
  readonly publish: readonly PublishOutlet[];
  readonly deliver: readonly DeliverOutlet[];
}

/** The directories of outlets that are files. */
export function outletFolders({ publish, deliver }: Configured): string[] {
  const published = publish.flatMap((outlet) => {
    if (outlet.type === 'command') return [];
    return outlet.type === 'file' ? dirname(outlet.path) : outlet.path;
  });
  const delivered = deliver.flatMap((outlet) => (outlet.type === 'file' ? [outlet.path] : []));
  return [...published, ...delivered.map((path) => dirname(path))];
}
