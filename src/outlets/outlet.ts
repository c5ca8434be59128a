import type { Cacheable } from '../keyset/caching.js';
import type { Duration } from '../keyset/clock.js';
import type { Holding, OutletContent } from '../keyset/projection.js';
import type { Command } from '../outside/command.js';

/** Where the public half goes. */
export type PublishOutlet =
  | {
      readonly type: 'file';
      readonly path: string;
      readonly format: PublishFormat;
      readonly mode: number;
      /** Read back until it serves the expected kids. */
      readonly url: string | null;
    }
  | {
      readonly type: 'command';
      readonly command: Command;
      readonly format: PublishFormat;
      readonly timeout: Duration;
      readonly url: string | null;
    };

/** `jwks`: the JWK Set. `pem`: the active key's SPKI. */
export type PublishFormat = 'jwks' | 'pem';

/** Where the active private key goes, for signers that can't ask KMS themselves. */
export interface DeliverOutlet {
  readonly path: string;
  /** `pem`: PKCS#8. `jwk`: with its kid. */
  readonly format: 'pem' | 'jwk';
  readonly mode: number;
  /** A name or a number; null leaves the process's own. */
  readonly owner: string | number | null;
  readonly group: string | number | null;
  /** Allow a directory that is not on a tmpfs or ramfs. */
  readonly allowDisk: boolean;
}

/** What the manifest says outlets must hold: a pure function of it (`keyset/projection.ts`). */
export type { Holding, OutletContent } from '../keyset/projection.js';

/** What was written: what services are owed a reload for. */
export interface Written {
  readonly publish: boolean;
  readonly deliver: boolean;
}

/** The outlets of one keyset on this host. Throws `JwtrotError`: kind `refused` for what must not be overwritten or
 * an older revision, `services` for a command or URL that does not do what it should. */
export interface OutletPort {
  readonly publish: readonly PublishOutlet[];
  readonly deliver: readonly DeliverOutlet[];
  /** What each outlet holds now. A command outlet answers from the record of what it was last given. */
  observe(): Promise<readonly Holding[]>;
  /**
   * Runs `use` while this process holds the outlets' host-wide lock, which the kernel frees when the process dies.
   * @throws JwtrotError `outlet-busy` (kind `leased`) when it is not to be had within `timeout`
   */
  locked<T>(timeout: Duration, use: (writer: OutletWriter) => Promise<T>): Promise<T>;
  /** Waits until every file and URL holds `content`. @returns those that did not by then, with the newest reason */
  readBack(content: OutletContent, deadline: Duration, signal: AbortSignal): Promise<readonly Unread[]>;
  /** Asks the URL of each JWKS how long it may be cached. Those that do not say, or do not answer, are left out. */
  cacheable(signal: AbortSignal): Promise<readonly Cacheable[]>;
}

export interface OutletWriter {
  /**
   * Makes the outlets what `content` says; writes those that differ and no others.
   * @param privateKey called at most once, and only if a `deliver` outlet has to be written; the writer overwrites the
   * buffer (PKCS#8 DER) afterwards
   * @param options.acceptOlder writes although a later revision was written before (after a restore)
   * @param options.again runs commands although they were given this text last
   */
  write(
    content: OutletContent,
    privateKey: () => Promise<Uint8Array>,
    options: { acceptOlder: boolean; again: boolean; signal: AbortSignal },
  ): Promise<Written>;
}

export interface Unread {
  readonly outlet: string;
  readonly reason: string;
}
