import { describe, expect, it, vi } from 'vitest';
import type { KeysetContext } from '../../../src/rollout/context.js';
import { search } from './search.js';

vi.mock('../../../src/rollout/sync.js', async () => {
  const { outletContent } = await import('../../../src/keyset/projection.js');
  const { unwrapActive } = await import('../../../src/rollout/steps/outlets.js');
  return {
    syncKeyset: async (context: KeysetContext) => {
      // Read before the lock, written after it, whatever was written in between.
      const found = await context.store.readManifest(context.name);
      if (found === null) return;
      await context.clock.sleep(20_000);
      await context.outlets.locked(30_000, (writer) =>
        writer.write(outletContent(found.manifest), () => unwrapActive(context, found.manifest), {
          acceptOlder: true,
          signal: context.signal,
        }),
      );
    },
  };
});

describe('A sync that writes what it read before it had the lock', () => {
  it('is found by the simulation', async () => {
    expect(await search(400, (shape) => ({ ...shape, overlap: 0.8 }), 1)).toHaveLength(1);
  });
});
