import { describe, expect, it } from 'vitest';
import { NO_REACH } from './reach.js';
import { HOUR, MINUTE, Stage, someService } from './stage.js';

const RESTORES = { ...NO_REACH, restores: true };

const TWO_FILES = [
  { kind: 'file', url: false, tmpfs: false, heedsRevision: true },
  { kind: 'file', url: false, tmpfs: false, heedsRevision: true },
] as const;

describe('Histories of a store that was restored and recovered', () => {
  it('a key that store recover retires stays the only one in an outlet no longer than until the next run', async () => {
    const stage = new Stage({ reach: RESTORES });
    const { operators, world } = stage;
    await stage.begin();
    const state = world.store.backups.before(1);
    await operators.pass(HOUR);
    await operators.run({ force: true });
    world.store.setBack(state, true);
    world.outlets[0].publish[0]!.set([stage.kid('k1')]);
    await operators.until(operators.retire(stage.kid('k1')));
    expect(stage.published).toEqual(['k1']);
    world.store.setBack(state, true);
    await operators.until(operators.recover());
    expect(stage.key('k1').state).toBe('retired');
    const result = await operators.run();
    expect(result).toMatchObject({ error: null, exit: 0 });
    expect(stage.published).not.toContain('k1');
    expect(await stage.broken()).toEqual([]);
  });

  it('a deployment that takes away the key which store recover has sign again is to blame for what is rejected', async () => {
    const signer = someService('issuer', 'signer', { asksStore: true });
    const stage = new Stage({ reach: RESTORES, services: [signer] });
    const { operators, world } = stage;
    await stage.begin();
    const state = world.store.backups.before(0);
    const k1 = stage.kid('k1');
    await operators.until(operators.retire(k1));
    world.store.setBack(state, true);
    // No token of k2 lives any more, and the manifest that is there has never heard of it.
    for (const worker of stage.service('issuer').workers) worker.apply(worker.read(false));
    await operators.pass(3 * HOUR);
    world.outlets[0].setBack(world.outlets[0].publish[0]!, [k1]);
    await operators.pass(HOUR);
    await operators.until(operators.recover());
    expect(stage.active).toBe('k2');
    await operators.run();
    expect(stage.service('issuer').workers[0]?.kid).toBe('k2'.padEnd(43, '-'));
    expect(await stage.broken()).toEqual([]);
  });

  it.each([
    ['here: it knows no key of those that another host publishes', 0],
    ['there first: all tokens of the key that is published there stay valid', 1],
  ] as const)('where the store is lost and the outlets here are gone, store recover runs %s', async (_, first) => {
    const publish = [{ ...TWO_FILES[0], tmpfs: true }];
    const stage = new Stage({ reach: RESTORES, publish, secondHost: true, deliver: true });
    const { operators, world } = stage;
    const [, second] = world.hosts;
    await stage.begin();
    await operators.until({ runner: operators.sync(second) });
    expect(world.outlets[1].publish[0]!.content.kids.map((kid) => kid.replace(/-+$/, ''))).toEqual(['k1']);
    world.store.setBack(world.store.backups.before(1_000), true);
    world.outlets[0].reboot();
    await operators.until(operators.recover(world.hosts[first]));
    if (first === 1) await operators.until(operators.recover());
    expect(stage.manifest.keys.map(({ kid }) => kid.replace(/-+$/, ''))).toEqual(first === 1 ? ['k1'] : []);
    await operators.run({ takeOver: first === 1 });
    expect(stage.published).toEqual([first === 1 ? 'k1' : 'k2']);
    expect(await stage.broken()).toEqual([]);
  });

  it('a key in an outlet that the store has not published yet is given up by no host that remembers nothing', async () => {
    const publish = [{ ...TWO_FILES[0], kind: 'command' }] as const;
    const signer = someService('issuer', 'signer', { asksStore: true });
    const shape = { publish, deliver: false, services: [signer], secondHost: true };
    const stage = new Stage({ reach: RESTORES, ...shape });
    const { operators, world } = stage;
    const [, second] = world.hosts;
    await stage.begin();
    world.store.setBack(world.store.backups.before(world.store.backups.count - 1), true);
    expect(stage.key('k1').state).toBe('creating');
    const run = async () => {
      const started = operators.rotate({}, undefined, second);
      await operators.until(started);
      return started.result;
    };
    expect(await run()).toMatchObject({ exit: 5, error: { code: 'other-history' } });
    await operators.until(operators.recover(second));
    expect(stage.key('k1').state).toBe('deprecated');
    expect(await run()).toMatchObject({ exit: 0, error: null });
    expect(stage.published).toEqual(['k1', 'k2']);
    await operators.until(operators.recover());
    expect(await stage.broken()).toEqual([]);
  });

  it('a retirement that was lost with the store before any host could remember it has to be asked for once more', async () => {
    const stage = new Stage({ reach: RESTORES });
    const { operators, world } = stage;
    await stage.beginAhead();
    const state = world.store.backups.before(0);
    await stage.killedAfter('retired', () => operators.retire(stage.kid('k2')));
    world.store.setBack(state, true);
    await operators.pass(12 * MINUTE);
    expect(await operators.run()).toMatchObject({ error: null, exit: 0 });
    expect(stage.active).toBe('k2');
    expect(world.violations).toEqual([]);
    await operators.until(operators.retire(stage.kid('k2')));
    expect(await stage.broken()).toEqual([]);
    expect(stage.published).not.toContain('k2');
  });

  it('a signer that asks a store which was set back takes up a retired key, whatever a deployment has published', async () => {
    const signer = someService('issuer', 'signer', { asksStore: true });
    const stage = new Stage({ reach: RESTORES, services: [signer, someService('api', 'verifier')] });
    const { operators, world } = stage;
    await stage.begin();
    const state = world.store.backups.before(0);
    const k1 = stage.kid('k1');
    await operators.run({ force: true });
    await operators.pass(12 * MINUTE);
    await operators.run();
    await operators.pass(3 * HOUR);
    await operators.run();
    expect(stage.key('k1').state).toBe('retired');
    world.outlets[0].setBack(world.outlets[0].publish[0]!, [k1, stage.kid('k2')]);
    world.store.setBack(state, true);
    for (const worker of stage.service('issuer').workers) worker.apply(worker.read(false));
    expect(stage.service('issuer').workers[0]?.kid).toBe(k1);
    await operators.until(operators.recover());
    await operators.run();
    expect(stage.service('issuer').workers[0]?.kid).not.toBe(k1);
    expect(await stage.broken()).toEqual([]);
  });

  it('what a command has published and was not seen to end stops no run once the store is lost', async () => {
    const publish = [{ kind: 'command', url: false, tmpfs: false, heedsRevision: true }] as const;
    const stage = new Stage({ reach: RESTORES, publish });
    const { operators, world } = stage;
    await stage.killedAfter('stored', () => operators.rotate());
    const [place] = world.outlets[0].publish;
    place!.set([stage.kid('k1')]);
    world.store.setBack(world.store.backups.before(1_000), true);
    await operators.until(operators.recover());
    await operators.run();
    await operators.pass(HOUR);
    expect(await operators.run()).toMatchObject({ error: null, exit: 0 });
    expect(stage.published).toEqual(['k2']);
    expect(await stage.broken()).toEqual([]);
  });

  it('a new key that lies in one outlet of two signs only when verifiers accept it', async () => {
    const services = [someService('issuer', 'both'), someService('api', 'verifier')];
    const stage = new Stage({ reach: RESTORES, publish: TWO_FILES, deliver: false, services });
    const { operators, world } = stage;
    await stage.killedAfter('stored', () => operators.rotate());
    await stage.killedAfter('published', () => operators.rotate());
    // The disk had failed under the second one.
    const [, other] = world.outlets[0].publish;
    other!.record = null;
    other!.set([], { absent: true });
    world.store.setBack(world.store.backups.before(world.store.backups.count - 1), false);
    expect(stage.key('k1').state).toBe('creating');
    await operators.until(operators.recover());
    expect(stage.key('k1').state).toBe('pending');
    const result = await operators.run();
    expect(result?.exit).toBe(0);
    expect(stage.active).toBe('k1');
    expect(await stage.broken()).toEqual([]);
  });

  it('22 and 25: two hosts recover in turn: what each knows as retired stays so, and what its outlets hold is accepted', async () => {
    const publish = [TWO_FILES[0]];
    const stage = new Stage({ reach: RESTORES, publish, secondHost: true, deliver: true });
    const { operators, world } = stage;
    const [, second] = world.hosts;
    await stage.begin();
    await operators.until({ runner: operators.sync(second) });
    const state = world.store.backups.before(0);
    await operators.until(operators.retire(stage.kid('k1')));
    expect(stage.active).toBe('k2');
    world.store.setBack(state, true);
    // The one that knows less begins: it has never heard of k2, nor that k1 was retired.
    await operators.until(operators.recover(second));
    await operators.until(operators.recover());
    expect(stage.active).toBe('k2');
    expect(stage.key('k1').state).toBe('retired');
    const result = await operators.run();
    expect(result?.exit).toBe(0);
    await operators.until({ runner: operators.sync(second) });
    expect(world.outlets[1].publish[0]!.content.kids.map((kid) => kid.replace(/-+$/, ''))).toEqual(['k2']);
    expect(await stage.broken()).toEqual([]);
  });
});
