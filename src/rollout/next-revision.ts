import type { Instant } from '../keyset/clock.js';
import { JwtrotError } from '../keyset/error.js';
import { brokenInvariants } from '../keyset/invariants.js';
import type { Lease, Manifest } from '../keyset/model.js';

export interface Stamp {
  /** Random: whoever wrote it finds out by it that he won. */
  readonly id: string;
  readonly at: Instant;
  readonly lease: Lease | null;
  readonly reloadsUntil: Instant | null;
}

/**
 * The manifest that a commit writes. The last line of defence against a bug: one that must not be is not written.
 * @throws JwtrotError `would-break`
 */
export function nextRevision(from: Manifest, updated: Manifest, { id, at, lease, reloadsUntil }: Stamp): Manifest {
  const next: Manifest = {
    ...updated,
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
