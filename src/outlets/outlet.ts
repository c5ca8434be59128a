import type { Duration } from '../keyset/basics/clock.js';
import type { ErrorKind, JwtrotError } from '../keyset/basics/error.js';
import type { OutletSaid } from '../keyset/history/other-history.js';
import type { PublicJwk } from '../keyset/manifest/key.js';
import type { Holding, OutletContent } from '../keyset/published/jwk-set.js';
import type { Cacheable } from '../keyset/questions/caching.js';
import type { DeliverOutlet, PublishOutlet } from './configured.js';

/** Gets a line for a person. */
export type OnWait = (text: string) => void;

/** What outlets must hold, computed from the manifest alone (`src/keyset/published`). */
export type { Holding, OutletContent } from '../keyset/published/jwk-set.js';

/** A key in an outlet. */
export interface HeldKey {
  readonly kid: string | null;
  readonly thumbprint: string;
  /** Absent: the key is of an unknown type. */
  readonly publicJwk?: PublicJwk;
  /** As the entry says; null: the entry does not say. */
  readonly alg?: string | null;
  /** As in `Holding`. */
  readonly isSaid?: true;
}

/** A key in one of several outlets. */
export interface KeyInOutlet extends HeldKey {
  /** As `Holding.outlet`. */
  readonly outlet: string;
  readonly kind: Holding['kind'];
  /** SHA-256 of everything that the outlet holds, hex; null: it can't be read. */
  readonly sha256: string | null;
}

/** What was written, so which services need a reload. */
export interface Written {
  readonly publish: boolean;
  readonly deliver: boolean;
}

/** Why an outlet does not hold what it should, and what a run did with it. */
export interface OutletProblem {
  /** As `Holding.outlet`. */
  readonly outlet: string;
  readonly code: string;
  /** What failed, and what the outlet holds now. */
  readonly message: string;
  readonly hint: string | null;
  readonly kind: ErrorKind;
  /** Another process is in the way, so the problem may go away by itself. */
  readonly passing: boolean;
  /** The error that it was made of. */
  readonly cause?: JwtrotError;
}

export interface WriteResult extends Written {
  /** About outlets that were left alone, or that only had keys taken out. All others hold what they should. */
  readonly problems: readonly OutletProblem[];
}

/** An outlet that could not be written now. */
export interface Unfit {
  /** As `Holding.outlet`. */
  readonly outlet: string;
  readonly reason: string;
  readonly hint: string | null;
  readonly code: string;
  readonly kind: ErrorKind;
}

/** How long to wait for locks. */
export interface LockPatience {
  /** For all locks together. */
  readonly timeout: Duration;
  /** For an incident: wait for each outlet separately, none longer than `timeout`. False: lock them in one order. */
  readonly alone: boolean;
}

/** The outlets of one keyset on this host. */
export interface OutletPort {
  readonly publish: readonly PublishOutlet[];
  readonly deliver: readonly DeliverOutlet[];
  /**
   * What each outlet holds now. For a command that publishes that is what it was last given, for one that delivers what its
   * `holds` says. Never rejects because of one outlet: if
   * it can't be observed within `limit`, its holding has no key, is not intact, and has a `problem`.
   */
  observe(limit: Duration): Promise<readonly Holding[]>;
  /**
   * Like `observe`, but with each key's public half, since the manifest may not know the key.
   * @param kid of a key that is looked for: its own file is found even if the outlet can't be observed
   */
  keys(limit: Duration, kid?: string): Promise<readonly KeyInOutlet[]>;
  /**
   * From which history and revision each file was last written, by the record beside it. Never rejects: it omits files
   * in directories where others may write, and records that can't be read.
   */
  records(limit: Duration): Promise<readonly OutletSaid[]>;
  /**
   * Runs `use` while this process holds the outlets' host-wide locks, which the kernel frees when the process dies. The
   * writer reports an outlet that can't be locked as a problem.
   */
  locked<T>(patience: LockPatience, use: (writer: OutletWriter) => Promise<T>): Promise<T>;
  /**
   * Reads back what was written: files and records once, URLs until they serve it.
   * @param onWait told once of each URL that does not serve it soon
   * @returns the outlets that do not publish `content`, with the latest reason
   */
  readBack(
    content: OutletContent,
    deadline: Duration,
    signal: AbortSignal,
    onWait?: OnWait,
  ): Promise<readonly Unread[]>;
  /** Where the signing key could not be delivered now. Tries without the key: of a command it runs `holds` alone, for `limit`. */
  undeliverable(limit: Duration): Promise<readonly Unfit[]>;
  /** Files that could not be written now, whatever the content. Changes nothing. */
  unwritable(limit: Duration): Promise<readonly Unfit[]>;
  /** How long each URL of the JWKS now lets it be cached. Omits URLs that don't answer or don't say. */
  cacheable(signal: AbortSignal): Promise<readonly Cacheable[]>;
}

/** Whether the store holds another history than this host knows. `no-store`: the store could not be asked. */
export type Elsewhere = boolean | 'no-store';

export interface WriteOptions {
  /** If so, keys are only taken out of outlets, never added. */
  readonly otherHistory: Elsewhere;
  /** Run commands that publish even if they were last given this same text. */
  readonly again: boolean;
  /** The longest that any one outlet may take; null: each its own time limit. */
  readonly limit: Duration | null;
  /** The same for commands that deliver; absent: `limit`. */
  readonly deliveryLimit?: Duration | null;
  readonly signal: AbortSignal;
}

export interface OutletWriter {
  /**
   * Makes the outlets hold `content`; writes only those that differ.
   * @param privateKey called at most once, and only if a `deliver` outlet has to be written; the writer overwrites the
   * buffer (PKCS#8 DER) afterwards
   * @throws JwtrotError kind `refused` if this run must write nothing at all: its revision is older; outside an
   * incident also for a key that nobody knows, another keyset's outlet, or a file that is not jwtrot's
   */
  write(content: OutletContent, privateKey: () => Promise<Uint8Array>, options: WriteOptions): Promise<WriteResult>;
}

export interface Unread {
  readonly outlet: string;
  readonly reason: string;
}
