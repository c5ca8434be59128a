import { describe, expect, it } from 'vitest';
import { MINUTE, SECOND, Stage } from './stage.js';

/** k1 has signed, k2 signs. */
async function begun(): Promise<Stage> {
  const stage = new Stage();
  await stage.beginAhead();
  await stage.operators.pass(12 * MINUTE);
  await stage.operators.run();
  expect(stage.active).toBe('k2');
  return stage;
}

const LONG = 30 * MINUTE;

describe('Histories of a store that does not answer while a key leaks', () => {
  it.each(['refuses', 'silent'] as const)(
    'in time it answers again, and a replacement signs first (%s)',
    async (kind) => {
      const stage = await begun();
      const { operators, world } = stage;
      world.store.fail(kind, 15 * SECOND);
      const started = operators.retire(stage.kid('k2'));
      await operators.until(started);
      expect(started.result).toMatchObject({ exit: 0, error: null, active: stage.kid('k3') });
      expect(stage.published).toEqual(['k1', 'k3']);
      expect(await stage.broken()).toEqual([]);
    },
  );

  it.each(['refuses', 'silent', 'mute'] as const)(
    'it does not, and the key is out all the same; told later, all goes on (%s)',
    async (kind) => {
      const stage = await begun();
      const { operators, world } = stage;
      const leaked = stage.kid('k2');
      world.store.fail(kind, LONG);
      const began = world.now;
      const started = operators.retire(leaked, { deadline: 10 * SECOND });
      await operators.until(started);
      expect(world.now - began).toBeLessThan(20 * SECOND);
      expect(started.result).toMatchObject({ exit: 4, error: null, isOtherHistory: true });
      expect(started.result?.problems.map(({ code }) => code)).toContain('store-failed');
      expect([stage.published, stage.delivered]).toEqual([['k1'], null]);

      await operators.pass(LONG);
      for (let i = 0; i < 3; i += 1) {
        const hint = `tell it: jwtrot retire --kid ${leaked}`;
        expect(await operators.run()).toMatchObject({ exit: 5, error: { code: 'other-history', hint } });
        await operators.until({ runner: operators.sync(world.hosts[0]) });
        expect(stage.published).toEqual(['k1']);
      }
      const again = operators.retire(leaked);
      await operators.until(again);
      expect(again.result).toMatchObject({ exit: 0, error: null, isOtherHistory: false, active: stage.kid('k3') });
      expect([stage.published, stage.delivered]).toEqual([['k1', 'k3'], 'k3']);
      expect(await stage.broken()).toEqual([]);
    },
  );

  it('it goes silent in the midst: what was recorded is gone on with, and the key does not come back', async () => {
    const stage = await begun();
    const { operators, world } = stage;
    const leaked = stage.kid('k2');
    const watch = (_: unknown, event: string) => {
      if (event === 'staged') world.store.fail('silent', LONG);
    };
    world.watchers.add(watch);
    const started = operators.retire(leaked, { deadline: 10 * SECOND });
    await operators.until(started);
    world.watchers.delete(watch);
    expect(started.result).toMatchObject({ exit: 4, error: null });
    expect([stage.published, stage.delivered]).toEqual([['k1'], null]);
    await operators.pass(LONG);
    expect(await operators.run()).toMatchObject({ exit: 5 });
    const again = operators.retire(leaked);
    await operators.until(again);
    expect(again.result).toMatchObject({ exit: 0, error: null });
    expect(stage.published).not.toContain('k2');
    expect(stage.delivered).toBe(stage.active);
    expect(await stage.broken()).toEqual([]);
  });

  it.each([
    ['k2', 'k1'],
    ['k1', 'k2'],
  ])(
    '32: then another key leaks: the store is told of %s with the request for %s, and a replacement signs',
    async (first, next) => {
      const stage = await begun();
      const { operators, world } = stage;
      world.store.fail('refuses', LONG);
      await operators.until(operators.retire(stage.kid(first), { deadline: 0 }));
      expect(stage.published).toEqual([next]);
      await operators.pass(LONG);
      const started = operators.retire(stage.kid(next));
      await operators.until(started);
      expect(started.result).toMatchObject({ exit: 0, error: null, isOtherHistory: false, active: stage.kid('k3') });
      expect([stage.published, stage.delivered]).toEqual([['k3'], 'k3']);
      expect([stage.key('k1').state, stage.key('k2').state]).toEqual(['retired', 'retired']);
      expect(await stage.broken()).toEqual([]);
    },
  );

  it('the second command is killed when it has told the store: a timer makes the replacement', async () => {
    const stage = await begun();
    const { operators, world } = stage;
    const leaked = stage.kid('k2');
    world.store.fail('refuses', LONG);
    await operators.until(operators.retire(leaked, { deadline: 0 }));
    await operators.pass(LONG);
    await stage.killedAfter('retired', () => operators.retire(leaked));
    expect(stage.active).toBeNull();
    expect(await operators.run()).toMatchObject({ exit: 0, error: null, active: stage.kid('k3') });
    expect(stage.published).toEqual(['k1', 'k3']);
    expect(await stage.broken()).toEqual([]);
  });
});
