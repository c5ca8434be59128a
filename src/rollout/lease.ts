import { approximateDuration } from '../keyset/duration.js';
import { JwtrotError } from '../keyset/error.js';
import type { Lease } from '../keyset/model.js';
import { quoteOutside } from '../keyset/outside-text.js';
import type { KeysetContext } from './context.js';

/** `rotate (pid 42 on "db1", since 14s)`. */
export function describeLease(lease: Lease, now: number): string {
  return `${lease.verb} (pid ${lease.owner.pid} on ${quoteOutside(lease.owner.hostname)}, since ${approximateDuration(now - lease.since)})`;
}

/** Dead, or run out: then another run may take it. */
export function isTakeable(
  lease: Lease,
  { host, clock, policy, store }: Pick<KeysetContext, 'host' | 'clock' | 'policy' | 'store'>,
): boolean {
  if (host.state(lease.owner) === 'gone') return true;
  if (lease.owner.host === host.self.host) return clock.now() >= lease.until;
  // A clock that is ahead of the store's would have everybody else's lease run out too early.
  const now = clock.now() - Math.max(0, store.clockOffset() ?? 0);
  return now >= lease.until + policy.clockSkew;
}

/** @throws JwtrotError `lease-held` (exit 75) */
export function assertTakeable(lease: Lease, context: KeysetContext): void {
  if (isTakeable(lease, context)) return;
  const now = context.clock.now();
  throw new JwtrotError(
    'leased',
    'lease-held',
    `keyset ${context.name} is being worked on by ${describeLease(lease, now)}; nothing was changed`,
    {
      hint: `wait for it; its lease ends at the latest in ${approximateDuration(lease.until - now)}`,
    },
  );
}

/** An incident does not wait: an owner on this host is ended first, one elsewhere loses its next commit. */
export async function makeWay(lease: Lease, context: KeysetContext): Promise<void> {
  if (context.host.state(lease.owner) !== 'alive') return;
  context.report({
    type: 'note',
    keyset: context.name,
    level: 'warning',
    text: `ending ${describeLease(lease, context.clock.now())}, which holds the lease`,
  });
  await context.host.end(lease.owner, context.clock);
}

export function leaseLost(keyset: string, taken: Lease | null): JwtrotError {
  const by =
    taken === null ? 'somebody' : `${taken.verb} (pid ${taken.owner.pid} on ${quoteOutside(taken.owner.hostname)})`;
  return new JwtrotError('leased', 'lease-lost', `keyset ${keyset} was taken over by ${by}; this run has stopped`, {
    hint: 'jwtrot status shows how things stand',
  });
}
