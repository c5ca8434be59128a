import { JwtrotError } from '../../src/keyset/basics/error.js';
import { decodeManifest, encodeManifest, prune } from '../../src/keyset/manifest/encoding.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { isPublished } from '../../src/keyset/manifest/states.js';
import type { WrappedKey } from '../../src/keyset/manifest/wrapped-key.js';
import type { Snapshot, Store } from '../../src/store/store.js';
import { Backups, type State } from './backups.js';
import type { Strike } from './injected.js';
import type { Runner } from './runner.js';
import type { World } from './world.js';

const DAY = 86_400_000;

export interface Secret {
  readonly wrapped: WrappedKey;
  /** When it will be gone; null while no deletion was ordered. */
  goneAt: number | null;
  /**
   * Its process was stopped right before its put left. The put left after the key had been given up and deleted twice,
   * which no store can tell. The secret is wrapped, and its kid is never used again.
   */
  readonly isStray?: boolean;
}

/** A time in which the store answers nobody. */
interface Outage {
  readonly until: number;
  /** `refuses`: says no at once; `silent`: never answers; `mute`: does what it is asked, and never answers. */
  readonly kind: 'refuses' | 'silent' | 'mute';
}

/** How long the SDK waits for an answer, in all. */
const SDK_TIME = 20_000;

/** It works again in a moment. */
function failed(what: string, code = 'aws-unreachable'): JwtrotError {
  return new JwtrotError('store', code, `the simulated store did not ${what}`);
}

/** A store in memory: compare-and-swap by version, recovery windows, faults before and after the effect, stale reads. */
export class SimStore {
  newest: Snapshot | null = null;
  readonly secrets = new Map<string, Secret>();
  /** The answers to the next puts are lost. The puts land this many milliseconds later, for traces. */
  readonly latePuts: number[] = [];
  readonly backups = new Backups();
  /** When it was last set back. */
  setBackAt: number | null = null;
  /** It shows a history other than the real one, and nobody has mended that. */
  isSetBack = false;
  /** Keys that signed in the histories that were lost when it was set back: `store recover` may have them sign again. */
  readonly usedBefore = new Set<string>();
  /** Keys that it shows as in use since it was set back, although they had gone out of use. */
  readonly backAgain = new Set<string>();
  /** Secrets that were lost when it was set back. */
  readonly lost = new Set<string>();
  #old: { readonly until: number; readonly snapshot: Snapshot | null } | null = null;
  #former: { readonly until: number; readonly snapshot: Snapshot | null }[] = [];
  #version = 0;
  #outage: Outage | null = null;

  constructor(private readonly world: World) {}

  get manifest(): Manifest | null {
    return this.newest?.manifest ?? null;
  }

  port(runner: Runner): Store {
    const { world } = this;
    const call = <T>(effect: () => T) => this.#call(runner, effect);
    return {
      description: 'the simulated store',
      commitsPerDay: world.shape.commitsPerDay,
      lag: world.shape.faults.lag > 0 ? 60_000 : 0,
      homeElsewhere: async () => null,
      clockOffset: () => (world.shape.reach.storeClock && runner.calls > 0 ? runner.host.now() - world.now : null),
      listKeysets: async () => ['api'],
      readManifest: () => call(() => this.#read(runner)),
      salvage: async () => null,
      commitManifest: async (manifest, base) => {
        // A long call may land after its run has given the store up and has heard something else.
        const asHeard = world.checks.asHeardNow(runner);
        const written = world.shape.encode ? await throughText(manifest) : prune(manifest);
        return call(() => asHeard(() => this.#commit(runner, written, base)));
      },
      putKey: (_, thumbprint, key) => call(() => this.#put(runner, thumbprint, key)),
      getKey: (_, thumbprint) =>
        call(() => {
          if (world.strikes(runner.source, 'store') !== null) throw failed('read a key');
          const secret = this.secrets.get(thumbprint);
          return secret === undefined || secret.goneAt !== null ? null : secret.wrapped;
        }),
      deleteKey: (_, thumbprint, options) =>
        call(() => {
          const fault = world.strikes(runner.source, 'store')?.random.pick(['before', 'after'] as const);
          if (fault === 'before') throw failed('delete a key');
          const goneAt = this.#delete(runner, thumbprint, options.purge ? null : options.recoveryWindowDays * DAY);
          if (fault === 'after') throw failed('say whether it deleted a key');
          return goneAt;
        }),
      isKeyGone: (_, thumbprint) =>
        call(() => {
          if (world.strikes(runner.source, 'store') !== null) throw failed('look for a key');
          this.#forget(thumbprint);
          return !this.secrets.has(thumbprint);
        }),
      listKeys: () =>
        call(() => [...this.secrets].map(([thumbprint, { goneAt }]) => ({ thumbprint, isDeleted: goneAt !== null }))),
      holdsKeys: async () => this.secrets.size > 0,
      close() {},
    };
  }

  /**
   * Somebody restores an older state of it, or moves a label back.
   * @param secrets restores the private keys too: what was deleted since is back, what was put since is gone
   */
  setBack({ snapshot, secrets }: State, withSecrets: boolean): void {
    const { world } = this;
    world.log(
      () =>
        `the store is set back to revision ${snapshot?.manifest.revision ?? 0}${withSecrets ? ', its keys too' : ''}`,
    );
    this.#former.push({ until: world.now, snapshot: this.newest });
    if (!this.isSetBack) {
      this.usedBefore.clear();
      this.backAgain.clear();
    }
    for (const key of this.manifest?.keys ?? []) if (key.signedFrom !== null) this.usedBefore.add(key.kid);
    const inUse = (manifest: Manifest | undefined) =>
      new Set(manifest?.keys.filter(({ state }) => isPublished(state)).map(({ kid }) => kid));
    const before = inUse(this.newest?.manifest);
    for (const kid of inUse(snapshot?.manifest)) if (!before.has(kid)) this.backAgain.add(kid);
    this.newest = snapshot;
    this.setBackAt = world.now;
    this.isSetBack = true;
    if (!withSecrets) return;
    for (const thumbprint of this.secrets.keys()) if (!secrets.has(thumbprint)) this.lost.add(thumbprint);
    this.secrets.clear();
    for (const [thumbprint, secret] of secrets) this.secrets.set(thumbprint, { ...secret });
  }

  /** Excuses secrets that this manifest does not use: the lost history had put them, or put them back. */
  excuse({ keys }: Manifest): void {
    const inUse = new Set(keys.filter(({ state }) => isPublished(state)).map(({ thumbprint }) => thumbprint));
    for (const [thumbprint, secret] of this.secrets) {
      if (!inUse.has(thumbprint)) this.secrets.set(thumbprint, { ...secret, isStray: true });
    }
  }

  /** For this long it answers as it did some commits ago: a cache, a replica, a label that moves to and fro. */
  answerOld({ snapshot }: State, duration: number): void {
    this.world.log(() => `the store answers with revision ${snapshot?.manifest.revision ?? 0} for ${duration} ms`);
    this.#old = { until: this.world.now + duration, snapshot };
  }

  fail(kind: Outage['kind'], duration: number): void {
    this.world.log(() => `the store ${kind === 'refuses' ? 'refuses' : `is ${kind}`} for ${duration} ms`);
    this.#outage = { until: this.world.now + duration, kind };
  }

  /** It is failing now, for longer than a moment. */
  get isOut(): boolean {
    return this.#outage !== null && this.world.now < this.#outage.until && this.world.disturbed;
  }

  #call<T>(runner: Runner, effect: () => T): Promise<T> {
    const { world } = this;
    const kind = this.isOut ? this.#outage?.kind : undefined;
    if (kind === undefined) return world.call(runner, effect, { remote: true });
    const unanswered = (): T => {
      if (kind === 'mute') effect();
      throw failed('answer', kind === 'refuses' ? 'aws-throttled' : 'commit-unknown');
    };
    return world.call(runner, unanswered, { remote: true, ...(kind === 'refuses' ? {} : { after: SDK_TIME }) });
  }

  /** What a lagging replica may answer. */
  someFormer({ random }: Strike): Manifest | null {
    return this.#asOf(this.world.now - random.between(0, 3_000))?.manifest ?? null;
  }

  #asOf(time: number): Snapshot | null {
    if (time === this.world.now) return this.newest;
    const former = this.#former.find((one) => one.until > time);
    return former === undefined ? this.newest : former.snapshot;
  }

  #read(runner: Runner): Snapshot | null {
    const { world } = this;
    if (world.strikes(runner.source, 'store') !== null) throw failed('read the manifest');
    const lag = world.strikes(runner.source, 'lag');
    const asOf = world.now - (lag?.random.between(0, 3_000) ?? 0);
    const isOld = this.#old !== null && world.now < this.#old.until;
    const read = isOld ? (this.#old?.snapshot ?? null) : this.#asOf(asOf);
    runner.readAt = isOld ? 0 : asOf;
    world.say(
      runner,
      () => `reads revision ${read?.manifest.revision ?? 0}${read === this.newest ? '' : ', which is old'}`,
    );
    return read;
  }

  #commit(runner: Runner, manifest: Manifest, base: Snapshot | null): Snapshot | null {
    const { world } = this;
    const strike = world.strikes(runner.source, 'store');
    if (strike === null) return this.#swap(runner, manifest, base);
    const { random } = strike;
    const fault = random.pick(['before', 'after', 'late', 'loses wrongly'] as const);
    world.say(runner, () => `store fault at commit: ${fault}`);
    if (fault === 'before') throw failed('commit');
    if (fault === 'late') {
      const asHeard = world.checks.asHeardNow(runner);
      world.scheduler.after(random.between(10, 5_000), () => asHeard(() => this.#swap(runner, manifest, base)));
      throw failed('answer to a commit', 'commit-unknown');
    }
    this.#swap(runner, manifest, base);
    if (fault === 'after') throw failed('answer to a commit', 'commit-unknown');
    return null;
  }

  #swap(runner: Runner, manifest: Manifest, base: Snapshot | null): Snapshot | null {
    const { world } = this;
    // A retry after a doubtful answer is the same commit: AWS tells that by its token and its id.
    const isDone = this.manifest?.commits.at(-1)?.id === manifest.commits.at(-1)?.id;
    if (isDone) return this.newest;
    const isBase = this.newest?.version === base?.version;
    if (!isBase && world.shape.compareAndSwap) {
      world.say(runner, () => `loses the commit of revision ${manifest.revision}`);
      return null;
    }
    this.#version += 1;
    const snapshot: Snapshot = { manifest, version: `v${this.#version}` };
    if (world.rates.lag > 0) {
      this.#former = [
        ...this.#former.filter((one) => one.until > world.now - 10_000),
        { until: world.now, snapshot: this.newest },
      ];
    }
    const before = this.manifest;
    this.newest = snapshot;
    if (world.shape.reach.restores) this.backups.keep(snapshot, this.secrets);
    world.committed(runner, before, manifest);
    return snapshot;
  }

  #put(runner: Runner, thumbprint: string, key: WrappedKey): { inDoubt: boolean } {
    const { world } = this;
    const planned = this.latePuts.shift();
    const strike = world.strikes(runner.source, 'store');
    const fault = planned === undefined ? strike?.random.pick(['before', 'after', 'late'] as const) : 'late';
    if (fault !== undefined) world.say(runner, () => `store fault at put: ${fault}`);
    if (fault === 'before') throw failed('put a key');
    // Reported now: when it lands, the process may be about something else.
    const { isLate } = runner;
    if (fault === 'late') {
      world.scheduler.after(planned ?? strike?.random.between(10, 20_000) ?? 0, () => {
        if (!this.secrets.has(thumbprint)) this.#store(runner, thumbprint, key, isLate);
      });
      throw failed('say whether it put a key');
    }
    const there = this.secrets.get(thumbprint);
    if (there !== undefined && there.goneAt !== null)
      throw new JwtrotError('refused', 'key-deleted', 'its deletion was ordered');
    if (there !== undefined && JSON.stringify(there.wrapped) !== JSON.stringify(key)) {
      throw new JwtrotError('refused', 'key-exists', 'another ciphertext is there');
    }
    if (there === undefined) this.#store(runner, thumbprint, key, isLate);
    if (fault === 'after') throw failed('say whether it put a key');
    return { inDoubt: false };
  }

  #store(runner: Runner, thumbprint: string, key: WrappedKey, isLate: boolean): void {
    const named = this.manifest?.keys.findLast((one) => one.thumbprint === thumbprint);
    const isOver = named?.state === 'destroyed' || (named?.state === 'retired' && named.deleteAgainAt === null);
    this.secrets.set(thumbprint, { wrapped: key, goneAt: null, isStray: isLate && isOver });
    this.world.say(runner, () => `puts the secret of ${key.kid}`);
    this.world.checks.secrets();
  }

  #delete(runner: Runner, thumbprint: string, window: number | null): number {
    const { world } = this;
    const at = runner.host.now();
    world.checks.deleted(thumbprint);
    const secret = this.secrets.get(thumbprint);
    if (secret === undefined) return at;
    world.say(runner, () => `deletes the secret of ${secret.wrapped.kid}${window === null ? ' at once' : ''}`);
    if (window === null) this.secrets.delete(thumbprint);
    else secret.goneAt ??= world.now + window;
    return window === null ? at : (secret.goneAt ?? at);
  }

  #forget(thumbprint: string): void {
    const secret = this.secrets.get(thumbprint);
    if (secret !== undefined && secret.goneAt !== null && secret.goneAt <= this.world.now)
      this.secrets.delete(thumbprint);
  }
}

/** Passes a manifest through its text and back, as a real store does. */
async function throughText(manifest: Manifest): Promise<Manifest> {
  return decodeManifest(encodeManifest(manifest), manifest.name, 'the simulated store', async (jwk) =>
    'x' in jwk ? jwk.x : jwk.n,
  );
}
