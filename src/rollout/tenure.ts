import type { Duration, Instant } from '../keyset/basics/clock.js';

import { JwtrotError } from '../keyset/basics/error.js';
import type { Lease, Manifest } from '../keyset/manifest/model.js';
import type { KeysetContext } from './context.js';
import { leaseLost } from './lease.js';

/** The life of a run's lease: how much of it is left, and what may still be under way from earlier owners. */
export class Tenure {
  #lease: Lease | null = null;
  #ends = 0;
  #formerLeaseEnd: Instant = 0;
  #formerReloadsUntil: Instant | null = null;
  #reloadsUntil: Instant = 0;

  constructor(
    private readonly context: Pick<KeysetContext, 'clock' | 'host' | 'newId' | 'verb' | 'name'>,
    /** The run's own time limit, and the length of its lease. */
    private readonly limit: Duration,
  ) {}

  get lease(): Lease | null {
    return this.#lease;
  }

  /** Until when a former owner's effects may still be under way. */
  get formerLeaseEnd(): Instant {
    return this.#formerLeaseEnd;
  }

  /** No signer reload ordered before or by this run can take effect after it. */
  get reloadsUntil(): Instant | null {
    return Math.max(this.#formerReloadsUntil ?? 0, this.#reloadsUntil) || null;
  }

  reloadOrdered(until: Instant): void {
    this.#reloadsUntil = Math.max(this.#reloadsUntil, until);
  }

  /** The lease that the next commit writes: the one that is held, or a new one. */
  offer(since: Instant): Lease {
    if (this.#lease !== null) return this.#lease;
    const { clock, host, newId, verb } = this.context;
    this.#ends = clock.monotonic() + this.limit;
    return { id: newId(), owner: host.self, verb, since, until: since + this.limit };
  }

  /** A commit's `reloadsUntil`. Under the lease this run may order a reload; after it, what it ordered counts. */
  reloadsUnder(lease: Lease, updated: Manifest, last: boolean): Instant | null {
    if (!last) return Math.max(lease.until, updated.reloadsUntil ?? 0);
    return Math.max(this.#former(updated) ?? 0, this.#reloadsUntil) || null;
  }

  /** A commit was won at `at`. @param lease that it took, or kept; null: it gave the lease back */
  committed(lease: Lease | null, from: Manifest, updated: Manifest, at: Instant): void {
    if (this.#lease === null) {
      const found = from.lease;
      // If the clock was set back since, `until` lies in a distant future: the lease's length bounds it.
      const end = found === null ? at : Math.min(found.until, at + (found.until - found.since));
      this.#formerLeaseEnd = Math.max(end, at);
    }
    this.#formerReloadsUntil = this.#former(updated);
    this.#lease = lease;
  }

  /** Earlier runs' `reloadsUntil`. This run's lease raises the manifest's; an operator's re-basing lowers both. */
  #former({ reloadsUntil }: Manifest): Instant | null {
    if (this.#lease === null) return reloadsUntil;
    if (this.#formerReloadsUntil === null) return null;
    return Math.min(this.#formerReloadsUntil, reloadsUntil ?? this.#formerReloadsUntil);
  }

  /** What is left of the lease, by the wall clock and by the monotonic one: a suspended run may not trust either alone. */
  remaining(): Duration {
    if (this.#lease === null) return 0;
    return Math.min(this.#lease.until - this.context.clock.now(), this.#ends - this.context.clock.monotonic());
  }

  /** An effect starts only while more of the lease is left than it may take. @throws JwtrotError `lease-short` */
  assertTimeFor(effect: string, most: Duration): void {
    if (this.remaining() >= most) return;
    throw new JwtrotError(
      'services',
      'lease-short',
      `${effect} was not started: this run's time is nearly over; what was done so far stands`,
      { hint: 'jwtrot rotate goes on with it' },
    );
  }

  /** @throws JwtrotError `lease-lost`: somebody took over; this run stops and touches nothing more */
  assertHolds(manifest: Manifest | null): void {
    if (this.#lease === null || manifest?.lease?.id === this.#lease.id) return;
    const taken = manifest?.lease ?? null;
    this.#lease = null;
    throw leaseLost(this.context.name, taken);
  }

  /** A separate commit has given the lease back. */
  ended(id: string): void {
    if (this.#lease?.id === id) this.#lease = null;
  }
}
