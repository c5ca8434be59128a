import { type Duration, SECOND } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import {
  isNewestKnown,
  isUntold,
  nothingShown,
  type OtherHistory,
  otherHistory,
  outletAhead,
} from '../keyset/history/other-history.js';
import { type Naming, renamedIn, witness } from '../keyset/history/renamed.js';
import { isDamaged, isUnreadable } from '../keyset/manifest/encoding.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { isIncident } from '../keyset/questions/open-incidents.js';
import { OBSERVE_LIMIT } from '../outlets/limits.js';
import type { Snapshot } from '../store/store.js';
import type { KeysetContext } from './context.js';
import { Doubt } from './doubt.js';
import { HostMemory } from './host-memory.js';
import { otherHistoryError, staleReplica, withoutState } from './other-history.js';
import { isTransient } from './patience.js';
import { goneSecret } from './secrets-in-use.js';

/** Between two looks at a store that may have answered with an old copy. */
const LONGEST_PAUSE: Duration = 5 * SECOND;

/** The store's answer may be old: read it again later. */
export const DOUBTFUL = Symbol('doubtful');

/** What a run does where the store shows another history. */
export type Resolve = 'refuse' | 'go-on';

/**
 * Whether the store's answers belong to the history that this host knows (docs/design.md, "Lineage and recovery"); and
 * what this host remembers of it from then on. This run's own commits need no such check.
 */
export class History {
  #other: OtherHistory | null = null;
  readonly #doubt: Doubt;
  #home: string | null | undefined;

  private constructor(
    private readonly context: KeysetContext,
    private readonly resolve: Resolve,
    readonly memory: HostMemory,
    private readonly asked: Naming | null,
  ) {
    this.#doubt = new Doubt(context);
  }

  /**
   * Reads the record before the store: a commit in between puts the store ahead of the record, never behind it.
   * @param asked the pair that is to be retired, as far as it is known
   */
  static async open(context: KeysetContext, resolve: Resolve, asked: Naming | null = null): Promise<History> {
    return new History(context, resolve, await HostMemory.open(context, resolve === 'go-on'), asked);
  }

  /** Why the newest manifest read is another history; null: it is none. Only a run that goes on ever sees one. */
  get other(): OtherHistory | null {
    return this.#other;
  }

  /**
   * The newest manifest. What may be an old copy is read again for as long as the store may lag behind.
   * @throws JwtrotError `other-history` (exit 5), `stale-replica` (exit 75): nothing was changed
   */
  async read(): Promise<Snapshot | null> {
    const { clock, signal } = this.context;
    for (let pause = SECOND / 2; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const found = await this.readOnce();
      if (found !== DOUBTFUL) return found;
      await clock.sleep(pause, signal);
    }
  }

  /** The same with a single look, for a caller that holds locks which others wait for. */
  async readOnce(): Promise<Snapshot | null | typeof DOUBTFUL> {
    const { found, other } = await this.#readStore();
    this.#other = other;
    if (other === null || this.resolve === 'go-on') {
      this.#doubt.over();
      return found;
    }
    const { context } = this;
    const record = this.memory.known;
    const manifest = found?.manifest ?? null;
    const home = await this.#homeElsewhere();
    if (home !== null) throw staleReplica({ context, record, manifest, other }, home);
    if (this.#doubt.mayPass(other, record, found)) return DOUBTFUL;
    throw otherHistoryError({ context, record, manifest, other });
  }

  async #readStore(): Promise<{ found: Snapshot | null; other: OtherHistory | null }> {
    const { store, name } = this.context;
    try {
      let found = await store.readManifest(name);
      for (;;) {
        const other = await this.#compare(found);
        // In an incident, a manifest whose kids name other pairs is of no use.
        if (other?.why === 'renamed' && this.resolve === 'go-on') return { found: null, other };
        if (other?.why !== 'outlet-ahead') return { found, other };
        // Another run may have committed, and written outlets, since the manifest was read.
        const again = await store.readManifest(name);
        if (again?.version === found?.version) return { found, other };
        found = again;
      }
    } catch (error) {
      if (!this.goesOnWithout(error)) throw error;
      // A manifest older than the damaged one tells which keys there are, and nothing else.
      const salvaged = isDamaged(error) ? await store.salvage(name).catch(() => null) : null;
      const base = salvaged?.base ?? null;
      const isOfUse = base !== null && base.manifest.revision > 0 && (await this.#renamed(base.manifest)) === null;
      return { found: isOfUse ? base : null, other: this.#other };
    }
  }

  /**
   * An incident can take the key out of outlets without the store. If the store fails or can't be read, its manifest is
   * another history's from now on, and nothing more is committed.
   */
  goesOnWithout(error: unknown): boolean {
    if (!this.canGoWithout(error)) return false;
    const { code, message, hint = '' } = error;
    this.#other = {
      why: 'damaged',
      code: isUnreadable(error) ? 'store-damaged' : 'store-failed',
      what: withoutState(message),
      hint: code === 'manifest-damaged' ? null : hint,
      ...(isTransient(error) ? { isTransient: true } : {}),
    };
    return true;
  }

  /** Not if another run has the lease. Transient failures were retried before this: see patience.ts. */
  canGoWithout(error: unknown): error is JwtrotError {
    const { aborted } = this.context.signal;
    return this.resolve === 'go-on' && !aborted && error instanceof JwtrotError && error.kind !== 'leased';
  }

  /** Commits are kept in this run's memory alone. */
  get isStoreless(): boolean {
    return this.#other?.why === 'damaged' || this.#other?.why === 'renamed';
  }

  async #compare(found: Snapshot | null): Promise<OtherHistory | null> {
    const manifest = found?.manifest ?? null;
    const record = this.memory.known;
    const other = (await this.#renamed(manifest)) ?? otherHistory(record, manifest);
    if (other !== null) return other;
    const { name, outlets } = this.context;
    const written = await outlets.records(OBSERVE_LIMIT.hurried);
    const ahead = await outletAhead(record, written, manifest ?? nothingShown(name));
    // The key to retire lies in outlets, so there was a manifest: the store has lost it.
    if (ahead === null && manifest === null && this.resolve === 'go-on') return { why: 'lost' };
    // What this host has seen itself, its own commit for example, needs no look at the secrets.
    if (ahead !== null || manifest === null || this.resolve === 'go-on' || isNewestKnown(record, manifest))
      return ahead;
    return goneSecret(this.context, manifest);
  }

  /** Only in an incident: any other run refuses a key that the manifest does not know by that kid. */
  async #renamed(manifest: Manifest | null): Promise<OtherHistory | null> {
    if (manifest === null || (this.resolve === 'refuse' && !isIncident(manifest))) return null;
    const held = await this.context.outlets.keys(OBSERVE_LIMIT.hurried);
    return renamedIn(manifest, witness(this.memory.known, held), this.asked);
  }

  /** What a lagging replica shows proves nothing. @returns the home region of a replica; null: it is the home */
  async #homeElsewhere(): Promise<string | null> {
    if (this.#home === undefined) this.#home = await this.context.store.homeElsewhere(this.context.name);
    return this.#home;
  }

  /** This run must commit nothing more. */
  get isRefused(): boolean {
    return this.resolve === 'refuse' && this.#other !== null;
  }

  /** Remembers what was read. */
  async learnRead(manifest: Manifest): Promise<void> {
    if (this.memory.mayLearnFrom(manifest)) await this.learn(manifest);
  }

  /** The store has learned what it had missed: both have one history again. */
  #isTold(manifest: Manifest): boolean {
    return isUntold(this.#other) && otherHistory(this.memory.known, manifest) === null;
  }

  /** Remembers what was committed, before its effects. @throws JwtrotError `other-history`, unless the run goes on */
  async learn(manifest: Manifest): Promise<void> {
    const before = this.#isTold(manifest) ? null : this.#other;
    this.#other = await this.memory.learn(manifest, before);
    if (this.#other === null || this.#other === before || this.resolve === 'go-on') return;
    const { context, memory } = this;
    const error = otherHistoryError({ context, record: memory.known, manifest, other: this.#other });
    if (!isIncident(manifest)) throw error;
    memory.note(error);
  }
}
