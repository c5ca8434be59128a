import { DAY, type Duration } from '../keyset/basics/clock.js';
import { approximateDuration } from '../keyset/basics/duration.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { Lease } from '../keyset/manifest/model.js';
import type { Work } from '../outside/host.js';
import type { KeysetContext } from './context.js';

/** `rotate (pid 42 on "db1", since 14s)`. */
function describeLease(lease: Lease, now: number): string {
  return `${lease.verb} (pid ${lease.owner.pid} on ${quoteOutside(lease.owner.hostname)}, since ${approximateDuration(now - lease.since)})`;
}

/** What the lease of a keyset is about. */
export function workOf({ name, store }: Pick<KeysetContext, 'name' | 'store'>): Work {
  return { keyset: name, store: store.description };
}

/** No run takes this long: a longer lease is nobody's, or comes from a clock that was far ahead. */
const LONGEST: Duration = 31 * DAY;

/** Whether another run may take it: its owner is gone, it has run out, or no run can have written it. */
export function isTakeable(
  lease: Lease,
  { host, clock, policy, store }: Pick<KeysetContext, 'host' | 'clock' | 'policy' | 'store'>,
): boolean {
  if (host.state(lease.owner) === 'gone' || lease.until - clock.now() > LONGEST) return true;
  if (lease.owner.host === host.self.host) return clock.now() >= lease.until;
  // By a clock ahead of the store's, every other host's lease would run out too early.
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

/** Before this run takes the lease. @throws JwtrotError `lease-held`, unless this run seizes it */
export async function clearWay(found: Lease | null, context: KeysetContext, seizes: boolean): Promise<void> {
  if (found === null) return;
  if (!seizes) return assertTakeable(found, context);
  // Another incident is ending this very run: to end that one in turn would leave nobody to go on.
  context.signal.throwIfAborted();
  await endOwner(found, context);
}

/**
 * An incident does not wait: it ends an owner on this host, if that is jwtrot. Any other owner loses its next commit.
 */
async function endOwner(lease: Lease, context: KeysetContext): Promise<void> {
  if (context.host.state(lease.owner) !== 'alive') return;
  const holder = describeLease(lease, context.clock.now());
  const note = (text: string) => context.report({ type: 'note', keyset: context.name, level: 'warning', text });
  const left = await context.host.end(lease.owner, workOf(context), context.clock);
  note(
    left === null
      ? `ended ${holder}, which held the lease`
      : `${holder} held the lease and was left alone: ${left}; the lease is taken over all the same`,
  );
}

export function leaseLost(keyset: string, taken: Lease | null): JwtrotError {
  const by =
    taken === null ? 'somebody' : `${taken.verb} (pid ${taken.owner.pid} on ${quoteOutside(taken.owner.hostname)})`;
  return new JwtrotError('leased', 'lease-lost', `keyset ${keyset} was taken over by ${by}; this run has stopped`, {
    hint: 'jwtrot status shows how things stand',
  });
}
