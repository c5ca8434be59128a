import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Holding } from '../../../src/keyset/published/jwk-set.js';
import { isUnpublished } from '../../../src/keyset/transitions/adoption.js';
import type { KeysetContext } from '../../../src/rollout/context.js';
import type { Snapshot } from '../../../src/store/store.js';
import type { Runner } from '../runner.js';
import { MINUTE, SECOND, Stage } from '../stage.js';
import { World } from '../world.js';

/** No outlet is of a later revision. */
const LATEST = Number.MAX_SAFE_INTEGER;

/** The manifest is read before the lock is taken, and outlets take what is older than what they hold (traces 1 and 2). */
function readTooEarly(real: KeysetContext): KeysetContext {
  let early: { readonly snapshot: Snapshot | null } | null = null;
  const { store, outlets, name } = real;
  return {
    ...real,
    // Nor does it note first what it writes over: that commit would be lost, and show that there is a later manifest.
    bound: false,
    // Nor does the host remember a later revision.
    records: { read: async () => null, update: async () => {} },
    store: { ...store, readManifest: async () => (early === null ? store.readManifest(name) : early.snapshot) },
    outlets: {
      ...outlets,
      // Nor do the records beside them say so.
      records: async () => [],
      // Nor is a key in them taken to show that it was published since.
      observe: async (patience) => {
        const unpublished = early?.snapshot?.manifest.keys.filter(isUnpublished).map(({ kid }) => kid);
        const held = await outlets.observe(patience);
        if (unpublished === undefined) return held;
        const keys = (one: Holding) => one.keys?.filter(({ kid }) => !unpublished.includes(kid ?? '')) ?? null;
        return held.map((one) => ({ ...one, keys: keys(one), intact: false }));
      },
      locked: async (patience, use) => {
        early = { snapshot: await store.readManifest(name) };
        try {
          return await outlets.locked(patience, (writer) =>
            use({ write: (content, key, options) => writer.write({ ...content, revision: LATEST }, key, options) }),
          );
        } finally {
          early = null;
        }
      },
    },
  };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('Outlets that are written from what was read before the lock was taken', () => {
  it('are found by the first trace', async () => {
    const { context } = World.prototype;
    vi.spyOn(World.prototype, 'context').mockImplementation(function (this: World, runner: Runner) {
      return readTooEarly(context.call(this, runner));
    });
    const stage = new Stage();
    const { operators, world } = stage;
    await stage.begin();
    const rotate = await stage.pausedAfter('staged', SECOND, () => operators.rotate({ force: true }));
    const sync = operators.sync(world.hosts[0], { kill: null, pause: { call: 1, duration: 30 * MINUTE } });
    await operators.until(rotate);
    await operators.pass(12 * MINUTE);
    await operators.run();
    expect(stage.active).toBe('k2');
    expect(world.violations).toEqual([]);
    await operators.until({ runner: sync });
    expect(world.violations.map((one) => one.invariant)).toContain('tokens');
  });
});
