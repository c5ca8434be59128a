import type { Duration } from '../../src/keyset/clock.js';
import type { Manifest } from '../../src/keyset/model.js';
import type { Update } from '../../src/rollout/ledger.js';
import type { Run } from '../../src/rollout/run.js';
import { staged } from '../keyset/scenes.js';
import type { Fleet } from './fleet.js';

/** k2 is due: the run is at the gate. `quiet`: for how long no reload can take effect any more. */
export function atTheGate(fleet: Fleet, quiet: Duration): { run: Run; manifest: () => Manifest } {
  const { manifest, policy } = staged();
  if (manifest === null) throw new Error('nothing was staged');
  const due = manifest.keys.reduce((most, key) => Math.max(most, key.publishedAt ?? 0), 0) + policy.rotateEvery;
  let known: Manifest = manifest;
  const now = () => due + fleet.clock.now();
  const run = fleet.run;
  return {
    manifest: () => known,
    run: {
      ...run,
      context: {
        ...run.context,
        policy: { ...policy, onUnconfirmed: 'auto' },
        clock: { now, monotonic: () => fleet.clock.monotonic(), sleep: fleet.clock.sleep.bind(fleet.clock) },
        services: fleet.services,
        store: { clockOffset: () => null },
        outlets: {
          publish: [],
          deliver: [],
          observe: async () => [],
          readBack: async () => [],
          cacheable: async () => [],
        },
      },
      ledger: {
        get known() {
          return known;
        },
        get manifest() {
          return known;
        },
        hold: async () => {},
        commit: async (update: Update) => {
          known = update(known, now()) ?? known;
        },
        assertTimeFor: () => {},
        remaining: () => 3_600_000,
        reloadOrdered: () => {},
        reloadsUntil: due - quiet,
      },
      request: {},
      behindAtStart: null,
      began: { wall: due, monotonic: 0 },
      blocked: new Set(),
      problems: [],
    } as unknown as Run,
  };
}
