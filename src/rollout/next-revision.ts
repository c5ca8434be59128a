import type { Instant } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { brokenInvariants } from '../keyset/manifest/invariants.js';
import type { Lease, Manifest } from '../keyset/manifest/model.js';
import { hostTaken } from '../keyset/transitions/all.js';
import type { KeysetContext } from './context.js';

export interface Stamp {
  /** Random: the writer recognises its own commit by it. */
  readonly id: string;
  readonly at: Instant;
  /** For a manifest that has none yet. */
  readonly lineage: string;
  /** The host that the keyset is bound to from now on, unless it already has one; null: no host. */
  readonly host: Manifest['host'];
  readonly lease: Lease | null;
  readonly reloadsUntil: Instant | null;
}

/** What is new with each commit of a run. A keyset that belongs to one host is bound to this one. */
export function stampOf(
  { newId, bound, host }: Pick<KeysetContext, 'newId' | 'bound' | 'host'>,
  at: Instant,
): Pick<Stamp, 'id' | 'at' | 'lineage' | 'host'> {
  const { host: id, hostname } = host.self;
  return { id: newId(), at, lineage: newId(), host: bound ? { id, hostname } : null };
}

/**
 * The manifest that a commit writes. The last line of defence against a bug: it refuses an unsound manifest.
 * @throws JwtrotError `would-break`
 */
export function nextRevision(
  from: Manifest,
  updated: Manifest,
  { id, at, lineage, host, lease, reloadsUntil }: Stamp,
): Manifest {
  const next: Manifest = {
    ...(host !== null && updated.host === null ? hostTaken(updated, host, at) : updated),
    lineage: updated.lineage ?? lineage,
    revision: from.revision + 1,
    commits: [...from.commits, { id, at }],
    lease,
    reloadsUntil,
  };
  const broken = brokenInvariants(next)[0];
  if (broken === undefined) return next;
  throw new JwtrotError(
    'refused',
    'would-break',
    `the change to keyset ${next.name} would leave it unsound (${broken}); nothing was committed`,
    { hint: 'this is a fault in jwtrot: please report it with the output of jwtrot status --json' },
  );
}
