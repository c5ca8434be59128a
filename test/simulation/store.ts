import { JwtrotError } from '../../src/keyset/error.js';
import { decodeManifest, encodeManifest, prune } from '../../src/keyset/manifest.js';
import type { Manifest } from '../../src/keyset/model.js';
import type { WrappedKey } from '../../src/keyset/wrapped-key.js';
import type { Snapshot, Store } from '../../src/store/store.js';
import type { Runner } from './runner.js';
import type { World } from './world.js';

const DAY = 86_400_000;

export interface Secret {
  readonly wrapped: WrappedKey;
  /** When it will be gone; null while no deletion was ordered. */
  goneAt: number | null;
  /**
   * Its put was about to leave when its process was stopped, and left when the key had been given up and deleted twice:
   * no store can tell. It is wrapped, and its kid is never used again.
   */
  readonly isStray?: boolean;
}

function failed(what: string, code = 'store-failed'): JwtrotError {
  return new JwtrotError('store', code, `the simulated store did not ${what}`);
}

/** A store in memory: compare-and-swap by version, recovery windows, faults before and after the effect, stale reads. */
export class SimStore {
  newest: Snapshot | null = null;
  readonly secrets = new Map<string, Secret>();
  #former: { readonly until: number; readonly snapshot: Snapshot | null }[] = [];
  #version = 0;

  constructor(private readonly world: World) {}

  get manifest(): Manifest | null {
    return this.newest?.manifest ?? null;
  }

  port(runner: Runner): Store {
    const { world } = this;
    const call = <T>(effect: () => T) => world.call(runner, effect, { remote: true });
    return {
      description: 'the simulated store',
      commitsPerDay: world.shape.commitsPerDay,
      clockOffset: () => (world.shape.reach.storeClock && runner.calls > 0 ? runner.host.now() - world.now : null),
      listKeysets: async () => ['api'],
      readManifest: () => call(() => this.#read(runner)),
      commitManifest: async (manifest, base) => {
        const written = world.shape.encode ? await throughText(manifest) : prune(manifest);
        return call(() => this.#commit(runner, written, base));
      },
      putKey: (_, thumbprint, key) => call(() => this.#put(runner, thumbprint, key)),
      getKey: (_, thumbprint) =>
        call(() => {
          if (world.faulty('store')) throw failed('read a key');
          const secret = this.secrets.get(thumbprint);
          return secret === undefined || secret.goneAt !== null ? null : secret.wrapped;
        }),
      deleteKey: (_, thumbprint, options) =>
        call(() => {
          const fault = world.faulty('store') ? world.faults.pick(['before', 'after'] as const) : null;
          if (fault === 'before') throw failed('delete a key');
          const goneAt = this.#delete(runner, thumbprint, options.purge ? null : options.recoveryWindowDays * DAY);
          if (fault === 'after') throw failed('say whether it deleted a key');
          return goneAt;
        }),
      isKeyGone: (_, thumbprint) =>
        call(() => {
          if (world.faulty('store')) throw failed('look for a key');
          this.#forget(thumbprint);
          return !this.secrets.has(thumbprint);
        }),
      holdsKeys: async () => this.secrets.size > 0,
      close() {},
    };
  }

  /** What a read may answer that reaches a replica which lags behind. */
  someFormer(): Manifest | null {
    const when = this.world.now - this.world.faults.between(0, 3_000);
    return (this.#former.find((one) => one.until > when)?.snapshot ?? this.newest)?.manifest ?? null;
  }

  #read(runner: Runner): Snapshot | null {
    const { world } = this;
    if (world.faulty('store')) throw failed('read the manifest');
    if (world.shape.eventual && world.disturbed && world.faults.chance(0.2)) {
      const when = world.now - world.faults.between(0, 3_000);
      const stale = this.#former.find((one) => one.until > when);
      if (stale !== undefined) return stale.snapshot;
    }
    world.say(runner, () => `reads revision ${this.newest?.manifest.revision ?? 0}`);
    return this.newest;
  }

  #commit(runner: Runner, manifest: Manifest, base: Snapshot | null): Snapshot | null {
    const { world } = this;
    const { faults } = world;
    if (!world.faulty('store')) return this.#swap(runner, manifest, base);
    const fault = faults.pick(['before', 'after', 'late', 'loses wrongly'] as const);
    world.say(runner, () => `store fault at commit: ${fault}`);
    if (fault === 'before') throw failed('commit');
    if (fault === 'late') {
      world.scheduler.after(faults.between(10, 5_000), () => void this.#swap(runner, manifest, base));
      throw failed('answer to a commit', 'commit-unknown');
    }
    this.#swap(runner, manifest, base);
    if (fault === 'after') throw failed('answer to a commit', 'commit-unknown');
    return null;
  }

  #swap(runner: Runner, manifest: Manifest, base: Snapshot | null): Snapshot | null {
    const { world } = this;
    const isBase = this.newest?.version === base?.version;
    if (!isBase && world.shape.compareAndSwap) {
      world.say(runner, () => `loses the commit of revision ${manifest.revision}`);
      return null;
    }
    this.#version += 1;
    const snapshot: Snapshot = { manifest, version: `v${this.#version}` };
    if (world.shape.eventual) {
      this.#former = [
        ...this.#former.filter((one) => one.until > world.now - 10_000),
        { until: world.now, snapshot: this.newest },
      ];
    }
    const before = this.manifest;
    this.newest = snapshot;
    world.committed(runner, before, manifest);
    return snapshot;
  }

  #put(runner: Runner, thumbprint: string, key: WrappedKey): void {
    const { world } = this;
    const fault = world.faulty('store') ? world.faults.pick(['before', 'after', 'late'] as const) : null;
    if (fault === 'before') throw failed('put a key');
    // Told now: by the time that it lands, the process may be about something else.
    const { isLate } = runner;
    if (fault === 'late') {
      world.scheduler.after(world.faults.between(10, 20_000), () => {
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

/** What a real store does: through its text and back. */
async function throughText(manifest: Manifest): Promise<Manifest> {
  return decodeManifest(encodeManifest(manifest), manifest.name, 'the simulated store', async (jwk) =>
    'x' in jwk ? jwk.x : jwk.n,
  );
}
