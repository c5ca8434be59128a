import type { Duration, Instant } from '../keyset/clock.js';
import { SECOND } from '../keyset/clock.js';
import { JwtrotError } from '../keyset/error.js';
import type { Manifest } from '../keyset/model.js';
import { emptyManifest, hostTaken } from '../keyset/transitions.js';
import type { Snapshot } from '../store/store.js';
import type { KeysetContext } from './context.js';
import { assertTakeable, makeWay } from './lease.js';
import { nextRevision } from './next-revision.js';
import { Tenure } from './tenure.js';

/** The race was lost before anything was done: plan again from what is there. */
export class PlanAgain extends Error {}

/** Computes the manifest to commit from the newest one; null when there is nothing left to change. */
export type Update = (manifest: Manifest, at: Instant) => Manifest | null;

export interface LedgerOptions {
  /** The run's own time limit: the lease is for so long. */
  readonly limit: Duration;
  /** `retire` takes a lease over at once. */
  readonly seize: boolean;
  /** Says whether nothing is left to do after this manifest: then the commit gives the lease back as well. */
  readonly isLast: (manifest: Manifest) => boolean;
}

/** Reads, and commits by compare-and-swap under this run's lease, taken with the first commit. */
export class Ledger {
  #snapshot: Snapshot | null;
  readonly #tenure: Tenure;

  private constructor(
    private readonly context: KeysetContext,
    private readonly options: LedgerOptions,
    snapshot: Snapshot | null,
  ) {
    this.#snapshot = snapshot;
    this.#tenure = new Tenure(context, options.limit);
  }

  static async open(context: KeysetContext, options: LedgerOptions): Promise<Ledger> {
    return new Ledger(context, options, await context.store.readManifest(context.name));
  }

  get manifest(): Manifest | null {
    return this.#snapshot?.manifest ?? null;
  }

  /** @throws JwtrotError `no-keyset` when there is none */
  get known(): Manifest {
    if (this.#snapshot !== null) return this.#snapshot.manifest;
    throw new JwtrotError(
      'refused',
      'no-keyset',
      `keyset ${this.context.name} does not exist in ${this.context.store.description}`,
      {
        hint: 'jwtrot rotate makes it; jwtrot import adopts a key that is in use',
      },
    );
  }

  /** Until when a former owner's effects may still be under way. */
  get formerLeaseEnd(): Instant {
    return this.#tenure.formerLeaseEnd;
  }

  /** No signer reload ordered before or by this run can take effect after it. */
  get reloadsUntil(): Instant | null {
    return this.#tenure.reloadsUntil;
  }

  reloadOrdered(until: Instant): void {
    this.#tenure.reloadOrdered(until);
  }

  remaining(): Duration {
    return this.#tenure.remaining();
  }

  assertTimeFor(effect: string, most: Duration): void {
    this.#tenure.assertTimeFor(effect, most);
  }

  /** Commits `update`; takes the lease if it is not held yet. */
  async commit(update: Update, mayBeLast = true): Promise<void> {
    if (this.#tenure.lease === null) await this.makeWay();
    for (let attempt = 1; attempt <= 8; attempt += 1) {
      if (await this.tryCommit(update, mayBeLast)) return;
      await this.readAgain(attempt);
    }
    throw new JwtrotError(
      'store',
      'commit-contended',
      `keyset ${this.context.name} is written by somebody else all the time; nothing was changed by this step`,
      { hint: 'find out who writes to it; then run the command again' },
    );
  }

  /** Takes the lease if it is not held: before an effect that no commit of this run precedes. */
  async hold(): Promise<void> {
    if (this.#tenure.lease === null) await this.commit((manifest) => manifest, false);
  }

  private async makeWay(): Promise<void> {
    const found = this.manifest?.lease ?? null;
    if (found === null) return;
    if (this.options.seize) await makeWay(found, this.context);
    else assertTakeable(found, this.context);
  }

  private async tryCommit(update: Update, mayBeLast: boolean): Promise<boolean> {
    const { clock, store, name, newId } = this.context;
    const base = this.#snapshot;
    const at = clock.now();
    const from = base?.manifest ?? emptyManifest(name);
    const updated = update(from, at);
    if (updated === null) return true;
    const lease = this.#tenure.offer(at);
    const last = mayBeLast && this.options.isLast(updated);
    const next = nextRevision(from, this.withHost(updated, at), {
      id: newId(),
      at,
      lease: last ? null : lease,
      reloadsUntil: this.#tenure.reloadsUnder(lease, updated, last),
    });
    const won = await store.commitManifest(next, base);
    if (won === null) return false;
    this.#tenure.committed(lease, from, updated, last, at);
    this.#snapshot = won;
    return true;
  }

  private withHost(manifest: Manifest, at: Instant): Manifest {
    return this.context.bound && manifest.host === null ? hostTaken(manifest, this.hostName(), at) : manifest;
  }

  private hostName(): { id: string; hostname: string } {
    return { id: this.context.host.self.host, hostname: this.context.host.self.hostname };
  }

  /** The commit was lost. Without the lease: plan again. With it: the read may have been stale; or it was taken over. */
  private async readAgain(attempt: number): Promise<void> {
    const { clock, store, name, random } = this.context;
    await clock.sleep(Math.min(SECOND, 20 * 2 ** attempt) * (0.5 + random()));
    const read = await store.readManifest(name);
    if (this.#tenure.lease === null) {
      this.#snapshot = read;
      throw new PlanAgain();
    }
    // A replica that lags behind: what it answers this run has already gone beyond.
    if (read !== null && read.manifest.revision < this.known.revision) return;
    this.#tenure.assertHolds(read?.manifest ?? null);
    this.#snapshot = read;
  }

  /** Reads again what others may have written. @returns false when they have not, or can't have: this run has the lease */
  async catchUp(): Promise<boolean> {
    if (this.#tenure.lease !== null) return false;
    const before = this.manifest?.revision;
    this.#snapshot = await this.context.store.readManifest(this.context.name);
    return this.manifest?.revision !== before;
  }

  /** The newest manifest, not older than what this run committed (a store may be eventually consistent). */
  async readNewest(): Promise<Snapshot> {
    const { clock, store, name } = this.context;
    for (let attempt = 1; ; attempt += 1) {
      const read = await store.readManifest(name);
      if (read !== null && read.manifest.revision >= this.known.revision) {
        this.#tenure.assertHolds(read.manifest);
        this.#snapshot = read;
        return read;
      }
      if (attempt >= 6) {
        throw new JwtrotError(
          'store',
          'stale-read',
          `${store.description} keeps answering with an older manifest of keyset ${name}; outlets were not written`,
          {
            hint: 'run the command again in a minute',
          },
        );
      }
      await clock.sleep(100 * 2 ** attempt);
    }
  }

  /** Gives the lease back, if it is still held. */
  async release(): Promise<void> {
    const held = this.#tenure.lease;
    const base = this.#snapshot;
    if (held === null || base === null) return;
    const { clock, newId, store } = this.context;
    const stamp = { id: newId(), at: clock.now(), lease: null, reloadsUntil: this.reloadsUntil };
    const won = await store.commitManifest(nextRevision(base.manifest, base.manifest, stamp), base);
    if (won === null) return;
    this.#tenure.ended(held.id);
    this.#snapshot = won;
  }
}
