import { describe } from 'vitest';
import type { Instant } from '../../src/keyset/basics/clock.js';
import type { Store } from '../../src/store/store.js';
import { commitTests } from './store-commits.js';
import { damageTests } from './store-damage.js';
import { faultTests } from './store-faults.js';
import { keyTests } from './store-keys.js';
import { raceTests } from './store-races.js';

/**
 * `before`: the operation fails and has no effect. `after`: it takes effect, then the caller gets an error.
 * `lost-reply`: it takes effect, the reply is lost, and whatever the client does by itself (the SDK's own retry) happens.
 */
export type FaultKind = 'before' | 'after' | 'lost-reply';
/** `commit`: the step that decides a commit (the hard link; the stage move, or the creation). */
export type FaultOperation = 'commit' | 'put' | 'delete';

export interface StoreUnderTest {
  /** A client of an empty store. */
  readonly store: Store;
  /** One more client of the same store, as another process would have. */
  another(): Promise<Store>;
  /** The clock of the store's recovery windows; `Date.now` when absent. */
  readonly now?: () => Instant;
  readonly faults?: {
    /** The next such operation of `store` fails in this way, once. */
    next(kind: FaultKind, operation: FaultOperation): void;
  };
  readonly damage?: {
    /** The newest manifest's stored text. */
    manifestText(keyset: string): Promise<string>;
    /** Puts other text in its place. */
    replaceManifest(keyset: string, text: string): Promise<void>;
    keyText(keyset: string, thumbprint: string): Promise<string>;
    replaceKey(keyset: string, thumbprint: string, text: string): Promise<void>;
  };
}

/** Called once in each test; clean up with `onTestFinished`. */
export type MakeStore = () => Promise<StoreUnderTest>;

export interface StoreAbilities {
  /** Which faults `faults.next` can cause. */
  readonly faults?: readonly (readonly [kind: FaultKind, operation: FaultOperation])[];
  /** `damage` is there. */
  readonly damage?: boolean;
}

/** What every implementation of `Store` passes. */
export function storeConformance(name: string, make: MakeStore, abilities: StoreAbilities = {}): void {
  describe(`${name} is a store`, () => {
    commitTests(make);
    raceTests(make);
    keyTests(make);
    if (abilities.damage === true) damageTests(make);
    for (const [kind, operation] of abilities.faults ?? []) faultTests(make, kind, operation);
  });
}
