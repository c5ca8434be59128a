import { describe, expect, it } from 'vitest';
import { NO_REACH } from './reach.js';
import { HOUR, MINUTE, SECOND, Stage } from './stage.js';

const RESTORES = { ...NO_REACH, restores: true };
/** A store that may lag behind for a minute. */
const EVENTUAL = {
  store: 0,
  kms: 0,
  service: 0,
  reload: 0,
  outlet: 0,
  stale: 0,
  lag: 1e-9,
  slow: 0,
  record: 0,
} as const;

/** k1 was retired and k2 signs; then the store is set back to when k1 signed. */
async function restored(withSecrets: boolean): Promise<Stage> {
  const stage = new Stage({ reach: RESTORES });
  const { operators, world } = stage;
  await stage.begin();
  const commits = world.store.backups.count;
  await operators.until(operators.retire(stage.kid('k1')));
  await operators.pass(HOUR);
  await operators.run();
  expect(stage.published).toEqual(['k2']);
  world.store.setBack(world.store.backups.before(world.store.backups.count - commits), withSecrets);
  expect(stage.active).toBe('k1');
  return stage;
}

describe('Histories of a store that was restored', () => {
  it.each([true, false])(
    'no number of runs commits, or publishes the retired key again (keys too: %s)',
    async (keys) => {
      const stage = await restored(keys);
      const { operators, world } = stage;
      const { revision } = stage.manifest;
      for (let i = 0; i < 5; i += 1) {
        const result = await operators.run(i === 2 ? { force: true } : {});
        expect(result).toMatchObject({ exit: 5, error: { code: 'other-history' } });
        await operators.until({ runner: operators.sync(world.hosts[0]) });
        await operators.pass(24 * HOUR);
      }
      expect(stage.manifest.revision).toBe(revision);
      expect(stage.published).toEqual(['k2']);
      expect(stage.delivered).toBe('k2');
      expect(world.violations).toEqual([]);
    },
  );

  it('nor where nothing is left of it: no first key is made anew', async () => {
    const stage = new Stage({ reach: RESTORES });
    const { operators, world } = stage;
    await stage.begin();
    world.store.setBack(world.store.backups.before(1_000), true);
    for (let i = 0; i < 3; i += 1) {
      const result = await operators.run();
      expect(result?.exit).toBe(5);
      await operators.pass(HOUR);
    }
    expect(world.store.manifest).toBeNull();
    expect(stage.published).toEqual(['k1']);
    expect(world.violations).toEqual([]);
  });

  it('nor where this host has lost what it remembers: the records beside its outlets know of a later revision', async () => {
    const stage = await restored(true);
    const { operators, world } = stage;
    world.hosts[0].record = null;
    const { revision } = stage.manifest;
    for (let i = 0; i < 9; i += 1) {
      expect(await operators.run()).toMatchObject({ exit: 5, error: { code: 'other-history' } });
      await operators.pass(24 * HOUR);
    }
    expect(stage.manifest.revision).toBe(revision);
    // An incident's commits, of which there may be many, change nothing about that.
    for (let i = 0; i < 9; i += 1) await operators.until(operators.retire(stage.kid('k1')));
    expect(await operators.run()).toMatchObject({ exit: 5, error: { code: 'other-history' } });
    expect(stage.manifest.revision).toBeGreaterThan(revision + 9);
    expect(stage.published).toEqual(['k2']);
    expect(world.violations).toEqual([]);
  });

  it('nor where what this host remembers was put back together with the store', async () => {
    const stage = new Stage({ reach: RESTORES });
    const { operators, world } = stage;
    await stage.begin();
    const commits = world.store.backups.count;
    const remembered = world.hosts[0].record;
    await operators.until(operators.retire(stage.kid('k1')));
    await operators.pass(HOUR);
    await operators.run();
    world.store.setBack(world.store.backups.before(world.store.backups.count - commits), true);
    world.hosts[0].record = remembered;
    for (let i = 0; i < 5; i += 1) {
      const result = await operators.run({ force: true });
      expect(result).toMatchObject({ exit: 5, error: { code: 'other-history' } });
      await operators.until({ runner: operators.sync(world.hosts[0]) });
      await operators.pass(24 * HOUR);
    }
    expect(stage.published).toEqual(['k2']);
  });

  it('24: an answer that is old for half a minute is no other history', async () => {
    const stage = new Stage({ reach: RESTORES, faults: EVENTUAL });
    const { operators, world } = stage;
    await stage.beginAhead();
    await operators.pass(12 * MINUTE);
    world.store.answerOld(world.store.backups.before(3), 30 * SECOND);
    const began = world.now;
    const result = await operators.run();
    expect(result?.exit).toBe(0);
    expect(world.now - began).toBeGreaterThan(30 * SECOND);
    expect(stage.active).toBe('k2');
    expect(await stage.broken()).toEqual([]);
  });

  it('28: a record that is damaged ends every run but a retire', async () => {
    const stage = new Stage();
    const { operators, world } = stage;
    await stage.begin();
    world.hosts[0].recordIsDamaged = true;
    const { revision } = stage.manifest;
    expect(await operators.run({ force: true })).toMatchObject({ exit: 5, error: { code: 'record-damaged' } });
    expect(stage.manifest.revision).toBe(revision);
    const started = operators.retire(stage.kid('k1'));
    await operators.until(started);
    expect(started.result?.problems.map((one) => one.code)).toContain('record-damaged');
    expect(stage.published).toEqual(['k2']);
    expect(world.violations).toEqual([]);
  });

  it('a take-over by a host that knows nothing goes on only where no outlet was written later', async () => {
    const stage = await restored(true);
    const { operators, world } = stage;
    const [main] = world.hosts;
    const newest = world.store.backups.before(0);
    main.id = 'host-c';
    main.record = null;
    expect(await operators.run()).toMatchObject({ exit: 5 });
    expect(await operators.run({ takeOver: true })).toMatchObject({ exit: 5, error: { code: 'other-history' } });
    expect(stage.published).toEqual(['k2']);
    world.store.setBack(newest, true);
    expect(await operators.run({ takeOver: true })).toMatchObject({ error: null, exit: 0 });
    expect(stage.manifest.host?.id).toBe('host-c');
    expect(stage.published).toEqual(['k2']);
    world.store.isSetBack = false;
    expect(await stage.broken()).toEqual([]);
  });
});
