import type { Snapshot } from '../../src/store/store.js';
import type { Secret } from './store.js';

/** What a store held after a commit. */
export interface State {
  /** Null: nothing yet. */
  readonly snapshot: Snapshot | null;
  readonly secrets: ReadonlyMap<string, Secret>;
}

const NOTHING: State = { snapshot: null, secrets: new Map() };

/** Every state that a store was in, to restore one of them. If a history was set back, both branches stay. */
export class Backups {
  readonly #states: State[] = [NOTHING];

  keep(snapshot: Snapshot, secrets: ReadonlyMap<string, Secret>): void {
    const copies = [...secrets].map(([thumbprint, secret]) => [thumbprint, { ...secret }] as const);
    this.#states.push({ snapshot, secrets: new Map(copies) });
  }

  /** The state that many commits ago, or the first one. */
  before(commits: number): State {
    return this.#states[Math.max(0, this.#states.length - 1 - commits)] ?? NOTHING;
  }

  get count(): number {
    return this.#states.length - 1;
  }
}
