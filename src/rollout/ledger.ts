import type { Manifest } from '../keyset/manifest/model.js';
import { retiringGone } from '../keyset/planning/elsewhere.js';
import { emptyManifest } from '../keyset/transitions/all.js';
import type { Snapshot } from '../store/store.js';
import { noSuchKeyset } from './commit-refusals.js';
import { Contention } from './contention.js';
import type { KeysetContext } from './context.js';
import { History } from './history.js';
import { clearWay, workOf } from './lease.js';
import { type IsLast, type LedgerOptions, PlanAgain, type Update } from './ledger-options.js';
import { nextRevision, stampOf } from './next-revision.js';
import { isUnanswered, type Patience } from './patience.js';
import { Tenure } from './tenure.js';
import { Told } from './told.js';

/** Reads the manifest and commits by compare-and-swap, under a lease that the first commit takes. */
export class Ledger {
  #snapshot: Snapshot | null = null;
  readonly tenure: Tenure;
  /** Ends what shows other runs on this host that this one is at work. */
  #endWork: (() => Promise<void>) | null = null;
  readonly #contention: Contention;
  readonly told = new Told();
  readonly patience: Patience | null;

  private constructor(
    private readonly context: KeysetContext,
    private readonly options: LedgerOptions,
    /** What this host knows of the keyset, and whether the store shows the same. */
    readonly history: History,
  ) {
    this.tenure = new Tenure(context, options.limit);
    this.patience = options.patience;
    this.#contention = new Contention(context, options.patience);
  }

  /** @throws JwtrotError `other-history`, `stale-replica`, `record-damaged`: nothing was changed */
  static async open(context: KeysetContext, options: LedgerOptions): Promise<Ledger> {
    const history = await History.open(context, options.patience === null ? 'refuse' : 'go-on', options.asked);
    const ledger = new Ledger(context, options, history);
    await ledger.adopt(await ledger.history.read());
    return ledger;
  }

  get manifest(): Manifest | null {
    return this.#snapshot?.manifest ?? null;
  }

  /** @throws JwtrotError `no-keyset` when there is none */
  get known(): Manifest {
    if (this.#snapshot !== null) return this.#snapshot.manifest;
    throw noSuchKeyset(this.context);
  }

  /**
   * Commits `update`; takes the lease if it is not held yet.
   * @param isLast whether nothing is left to do after that manifest: if so, the commit also gives the lease back
   */
  async commit(update: Update, isLast: IsLast = () => false): Promise<void> {
    if (this.tenure.lease === null)
      await clearWay(this.manifest?.lease ?? null, this.context, this.options.patience !== null);
    while (!(await this.tryCommit(update, isLast))) await this.readAgain();
    this.#contention.won();
  }

  /** Takes the lease if it is not held: before an effect that no commit of this run precedes. */
  async hold(): Promise<void> {
    if (this.tenure.lease === null) await this.commit((manifest) => manifest);
  }

  private async tryCommit(update: Update, isLast: IsLast): Promise<boolean> {
    const { clock, store, name, policy } = this.context;
    const base = this.#snapshot;
    const at = clock.now();
    const from = base?.manifest ?? emptyManifest(name);
    const updated = update(from, { at, policy });
    if (updated === null) return true;
    const lease = this.tenure.offer(at);
    const last = isLast(updated);
    const next = nextRevision(from, updated, {
      ...stampOf(this.context, at),
      lease: last ? null : lease,
      reloadsUntil: this.tenure.reloadsUnder(lease, updated, last),
    });
    this.history.memory.assertNoneReturns(next);
    const won = await this.orStoreless(base, next, () => store.commitManifest(next, base));
    if (won === null) return false;
    this.tenure.committed(last ? null : lease, from, updated, at);
    this.#snapshot = won;
    if (!this.history.isStoreless) this.told.saw(won.manifest);
    await this.history.learn(won.manifest);
    if (!last) this.#endWork ??= await this.context.host.workOn(workOf(this.context));
    return true;
  }

  /**
   * Calls the store. In an incident, a store that fails or is damaged ends nothing: the run plans again without it.
   * @throws PlanAgain
   */
  private async orStoreless<T>(base: Snapshot | null, next: Manifest, act: () => Promise<T>): Promise<T | Snapshot> {
    if (this.history.isStoreless) return { manifest: next, version: base?.version ?? '' };
    try {
      return await act();
    } catch (error) {
      if (isUnanswered(error)) this.told.wasAsked(next);
      throw await this.failed(error, base);
    }
  }

  /** @returns what ends this step, or the run */
  private async failed(error: unknown, base = this.#snapshot): Promise<unknown> {
    if (!this.history.goesOnWithout(error)) return error;
    if (base !== null) {
      const manifest = retiringGone(base.manifest, this.context.clock.now());
      this.#snapshot = { ...base, manifest };
      // Now, while the request is open: this host alone may know of it later.
      await this.history.learn(manifest);
    }
    return new PlanAgain();
  }

  /**
   * After a lost commit. Without the lease the run plans again. With it, the last read was stale, or another run has
   * taken the lease. A store that keeps answering with an old copy would lose every commit: then the run gives up.
   */
  private async readAgain(): Promise<void> {
    const { store, name } = this.context;
    const over = await this.#contention.lost();
    if (over !== null) throw await this.failed(over);
    if (this.tenure.lease === null) {
      await this.adopt(await this.history.read());
      throw new PlanAgain();
    }
    const read = await this.orStoreless(this.#snapshot, this.known, () => store.readManifest(name));
    // A lagging replica: this run has already committed more than it shows.
    if (read !== null && read.manifest.revision < this.known.revision) return;
    this.tenure.assertHolds(read?.manifest ?? null);
    await this.adopt(read);
  }

  /** Reads again what others may have written. @returns false: nothing is new, or this run has the lease */
  async catchUp(): Promise<boolean> {
    if (this.tenure.lease !== null) return false;
    const before = this.manifest?.revision;
    await this.adopt(await this.history.read());
    return this.manifest?.revision !== before;
  }

  /** The newest manifest, not older than what this run committed (a store may be eventually consistent). */
  async readNewest(): Promise<Snapshot> {
    const { clock, store, name } = this.context;
    const began = clock.monotonic();
    for (let attempt = 1; ; attempt += 1) {
      const read = await this.orStoreless(this.#snapshot, this.known, () => store.readManifest(name));
      if (read !== null && read.manifest.revision >= this.known.revision) {
        if (!this.history.isStoreless) this.tenure.assertHolds(read.manifest);
        await this.adopt(read);
        return read;
      }
      const over = await this.#contention.stale(attempt, began);
      if (over !== null) throw await this.failed(over);
    }
  }

  /** Remembers what was read: it may hold a commit of this run that was believed lost. */
  private async adopt(read: Snapshot | null): Promise<void> {
    this.#snapshot = read;
    if (!this.history.isStoreless) this.told.saw(read?.manifest ?? null);
    if (read !== null && this.options.touchesNothing !== true) await this.history.learnRead(read.manifest);
  }

  /** Gives the lease back, if it is still held. */
  async release(): Promise<void> {
    try {
      await this.giveBack();
    } finally {
      await this.#endWork?.();
      this.#endWork = null;
    }
  }

  private async giveBack(): Promise<void> {
    const held = this.tenure.lease;
    const base = this.#snapshot;
    if (held === null || base === null || this.history.isStoreless || this.history.isRefused) return;
    const { clock, store } = this.context;
    const { reloadsUntil } = this.tenure;
    const stamp = { ...stampOf(this.context, clock.now()), host: null, lease: null, reloadsUntil };
    const next = nextRevision(base.manifest, base.manifest, stamp);
    const won = await store.commitManifest(next, base).catch((error: unknown) => {
      // All work is done. The next run takes the lease at once when this process is gone, or when the lease runs out.
      if (!this.history.canGoWithout(error)) throw error;
      return null;
    });
    if (won === null) return;
    this.tenure.ended(held.id);
    this.#snapshot = won;
    await this.history.learn(won.manifest);
  }
}
