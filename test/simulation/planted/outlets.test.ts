import { afterEach, describe, expect, it, vi } from 'vitest';
import type { KeysetContext } from '../../../src/rollout/context.js';
import type { Snapshot } from '../../../src/store/store.js';
import type { Runner } from '../runner.js';
import { MINUTE, SECOND, Stage } from '../stage.js';
import { World } from '../world.js';

/** The manifest is read before the lock is taken, and outlets take what is older than what they hold (TRACES 1 and 2). */
function readTooEarly(real: KeysetContext): KeysetContext {
  let early: { readonly snapshot: Snapshot | null } | null = null;
  const { store, outlets, name } = real;
  return {
    ...real,
    store: { ...store, readManifest: async () => (early === null ? store.readManifest(name) : early.snapshot) },
    outlets: {
      ...outlets,
      locked: async (timeout, use) => {
        early = { snapshot: await store.readManifest(name) };
        try {
          return await outlets.locked(timeout, (writer) =>
            use({ write: (content, key, options) => writer.write(content, key, { ...options, acceptOlder: true }) }),
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
