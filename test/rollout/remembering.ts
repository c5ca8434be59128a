import type { OutletSaid } from '../../src/keyset/history/other-history.js';
import type { KeysetRecord } from '../../src/keyset/history/record.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import type { KeyInOutlet } from '../../src/outlets/outlet.js';
import type { KeysetContext, Progress } from '../../src/rollout/context.js';
import type { Snapshot } from '../../src/store/store.js';
import { VirtualClock } from '../services/virtual-clock.js';

const SELF = { host: 'here', hostname: 'alpha', bootId: 'b', pidNamespace: 'n', pid: 42, startTime: '1' };

/** A store and a host's memory of it, in virtual time. Both can be changed behind a run's back. */
export class Remembering {
  readonly clock = new VirtualClock();
  manifest: Manifest | null = null;
  record: KeysetRecord | null = null;
  /** Thumbprints whose secret is there; null: all are. */
  secrets: Set<string> | null = null;
  lag = 0;
  home: string | null = null;
  /** What each further read answers, before `manifest`. */
  answers: (Manifest | null)[] = [];
  /** What the next commits answer instead of the truth. */
  replies: ('thought lost' | 'unknown')[] = [];
  failure: Error | null = null;
  /** What the store answers instead; `salvaged`: what it says is sound before it. */
  storeFailure: Error | null = null;
  salvaged: Manifest | null = null;
  /** The store never answers. */
  isSilent = false;
  bound = false;
  /** What records beside outlets say. */
  outletRecords: OutletSaid[] = [];
  /** What outlets hold. */
  outletKeys: KeyInOutlet[] = [];
  readonly calls: string[] = [];
  readonly notes: string[] = [];
  #ids = 0;

  get context(): KeysetContext {
    return {
      name: 'api',
      policy: { clockSkew: 60_000 },
      bound: this.bound,
      clock: this.clock,
      random: () => 0.5,
      newId: () => `id${++this.#ids}`,
      verb: 'rotate',
      host: { self: SELF, state: () => 'elsewhere', workOn: async () => async () => {}, end: async () => {} },
      signal: new AbortController().signal,
      report: (event: Progress) => event.type === 'note' && this.notes.push(event.text),
      records: {
        read: async () => {
          if (this.failure !== null) throw this.failure;
          return this.record;
        },
        update: async (change: (record: KeysetRecord | null) => KeysetRecord | null) => {
          this.calls.push('record');
          if (this.failure !== null) throw this.failure;
          this.record = change(this.record) ?? this.record;
        },
      },
      outlets: { records: async () => this.outletRecords, keys: async () => this.outletKeys },
      store: {
        description: 'the store',
        lag: this.lag,
        clockOffset: () => null,
        homeElsewhere: async () => this.home,
        readManifest: async () => {
          this.calls.push('read');
          if (this.isSilent) return new Promise(() => {});
          if (this.storeFailure !== null) throw this.storeFailure;
          return snapshot(this.answers.length > 0 ? (this.answers.shift() ?? null) : this.manifest);
        },
        salvage: async () => ({ base: snapshot(this.salvaged), damage: this.storeFailure, revision: 1 }),
        getKey: async (_: string, thumbprint: string) => {
          this.calls.push('getKey');
          return this.secrets === null || this.secrets.has(thumbprint) ? { jwe: '' } : null;
        },
        commitManifest: async (manifest: Manifest, base: Snapshot | null) => {
          this.calls.push('commit');
          if (this.storeFailure !== null) throw this.storeFailure;
          if ((this.manifest?.commits.at(-1)?.id ?? null) !== (base?.version ?? null)) return null;
          this.manifest = manifest;
          const reply = this.replies.shift();
          if (reply === 'unknown') throw new Error('no reply');
          return reply === 'thought lost' ? null : snapshot(manifest);
        },
      },
    } as unknown as KeysetContext;
  }
}

function snapshot(manifest: Manifest | null): Snapshot | null {
  return manifest === null ? null : { manifest, version: manifest.commits.at(-1)?.id ?? '' };
}
