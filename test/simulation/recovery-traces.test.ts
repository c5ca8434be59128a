import { expect, it } from 'vitest';
import { Stage } from './stage.js';

const REACH = { stalls: 0, lagAtStart: false, imports: false, storeClock: false, restores: true } as const;

it('A recovery that is killed before it has stored the private half: sync leaves the outlets, rotate ends it', async () => {
  const stage = new Stage({ reach: REACH });
  const { operators, world } = stage;
  await stage.begin();
  // Its private half is in the delivered file alone.
  world.store.setBack(world.store.backups.before(Number.POSITIVE_INFINITY), true);
  await stage.killedAfter('recovered', () => operators.recover());
  expect(stage.key('k1').state).toBe('creating');
  await operators.until({ runner: operators.sync(world.hosts[0]) });
  expect(world.history).toContainEqual(expect.stringContaining('its recovery, was not finished; nothing was written'));
  expect(stage.published).toEqual(['k1']);
  expect(stage.delivered).toBe('k1');
  // What sync hints at: it takes the private half from there, and stores it.
  expect(await operators.run()).toMatchObject({ exit: 0, error: null });
  expect(stage.active).toBe('k1');
  expect(stage.published).toEqual(['k1']);
  expect(stage.delivered).toBe('k1');
  expect(world.violations).toEqual([]);
});
