import type { Duration } from '../../src/keyset/basics/clock.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import type { ActionOf } from '../../src/keyset/planning/action.js';
import { activeKey } from '../../src/keyset/questions/keys.js';
import type { Update } from '../../src/rollout/ledger-options.js';
import type { Run } from '../../src/rollout/run.js';
import { staged } from '../keyset/scenes.js';
import type { Fleet } from './fleet.js';

export const ACTIVATE: ActionOf<'activate'> = { type: 'activate', kid: 'k2', reason: 'published-long-enough' };

export const ACCEPT: ActionOf<'confirm-verifiers'> = {
  type: 'confirm-verifiers',
  kid: 'k2',
  isRecheck: false,
  reason: 'new-key',
};

/** As the planner orders it: for the switch that is under way, for the way back, or for the former key's clock. */
export function confirmSwitch({ ledger }: Run): ActionOf<'confirm-signers'> {
  const { rollout } = ledger.known;
  const settles = rollout === null ? 'former-clock' : rollout.direction === 'back' ? 'way-back' : 'switch';
  return { type: 'confirm-signers', kid: activeKey(ledger.known)?.kid ?? '', settles, reason: 'switched' };
}

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
          undeliverable: async () => [],
          unwritable: async () => [],
        },
      },
      ledger: {
        history: { other: null },
        get known() {
          return known;
        },
        get manifest() {
          return known;
        },
        hold: async () => {},
        commit: async (update: Update) => {
          known = update(known, { at: now(), policy }) ?? known;
        },
        tenure: {
          assertTimeFor: () => {},
          remaining: () => 3_600_000,
          reloadOrdered: () => {},
          reloadsUntil: due - quiet,
        },
      },
      request: {},
      closing: null,
      behindAtStart: null,
      began: { wall: due, monotonic: 0 },
      blocked: new Set(),
      problems: [],
    } as unknown as Run,
  };
}
