import { describe, expect, it } from 'vitest';
import { confirmTakeOver } from '../../src/cli/take-over.js';
import { NO_REACH } from './reach.js';
import { UNDISTURBED } from './runner.js';
import { HOUR, MINUTE, Stage } from './stage.js';

const REACH = { ...NO_REACH, restores: true };
const K1 = 'k1'.padEnd(43, '-');
const K2 = 'k2'.padEnd(43, '-');

/** k1 signs; both hosts have it; then it is retired on the first one, while the second is off. */
async function retiredWhileOff() {
  const stage = new Stage({ reach: REACH, secondHost: true });
  const { operators, world } = stage;
  await stage.begin();
  await operators.until({ runner: operators.sync(world.hosts[1]) });
  const backup = world.store.backups.before(0);
  await operators.until(operators.retire(K1));
  expect(stage.published).toEqual(['k2']);
  return { stage, operators, world, backup, heldByB: () => world.outlets[1].publish[0]!.content.kids };
}

describe('Histories 22, 25, 26 and 27: of several hosts, and a store that was lost', () => {
  it.each([true, false])(
    '22: recover adopts no attacker’s key from a shared JWKS, nor revives what a host that was off still holds (record: %s)',
    async (isKnown) => {
      const { stage, operators, world, heldByB } = await retiredWhileOff();
      const attackers = world.keys.make('ES256').thumbprint;
      world.checks.lineage.isNobodys(attackers);
      world.outlets[0].publish[0]!.set([K2, attackers], { takenAway: new Set() });
      world.store.setBack(world.store.backups.before(Number.POSITIVE_INFINITY), true);
      if (!isKnown) world.hosts[0].record = null;
      await operators.until(operators.recover());
      expect(world.history).toContainEqual(expect.stringMatching(/asked \(undecided-keys\), .* retired: k1,k3$/));
      expect(await operators.run()).toMatchObject({ error: null, exit: 0 });
      expect(stage.published).toEqual(['k2']);
      expect(heldByB()).toEqual([K1]);
      await operators.until(operators.recover(world.hosts[1]));
      await operators.until({ runner: operators.sync(world.hosts[1]) });
      expect(heldByB()).toEqual([K2]);
      expect(stage.manifest.keys.map(({ kid, state }) => [kid, state])).toContainEqual([K2, 'active']);
      expect(stage.key('k1').state).not.toMatch(/active|deprecated|pending/);
      expect(await stage.broken()).toEqual([]);
    },
  );

  it('22: a host that remembers nothing asks which keys were retired', async () => {
    const stage = new Stage({ reach: REACH });
    const { operators, world } = stage;
    await stage.beginAhead();
    const backup = world.store.backups.before(0);
    await operators.until(operators.retire(K1));
    world.store.setBack(backup, true);
    world.hosts[0].record = null;
    await operators.until(operators.recover());
    expect(world.history).toContainEqual(expect.stringMatching(/asked \(retirements-unknown\), .* retired: k1$/));
    expect(stage.key('k1').state).toBe('retired');
    expect(await operators.run()).toMatchObject({ error: null });
    expect(stage.published).toEqual(['k2']);
    expect(await stage.broken()).toEqual([]);
  });

  it('22: a host that was off is not the last that wrote: signers sign with what it has never heard of', async () => {
    const { stage, operators, world } = await retiredWhileOff();
    world.store.setBack(world.store.backups.before(Number.POSITIVE_INFINITY), true);
    await operators.until(operators.recover(world.hosts[1]));
    expect(world.history).toContainEqual(expect.stringMatching(/asked \(retirements-unknown\), .* retired: k1$/));
    expect(stage.key('k1').state).toBe('retired');
    expect(world.violations).toEqual([]);
  });

  it('25: the second host accepts a history that the first has recovered, and its own recover begins none', async () => {
    const { stage, operators, world, backup, heldByB } = await retiredWhileOff();
    const [, second] = world.hosts;
    const former = stage.manifest.lineage;
    world.store.setBack(backup, true);
    await operators.until(operators.recover());
    const { lineage, formerLineages } = stage.manifest;
    expect(lineage).not.toBe(former);
    expect(formerLineages).toEqual([former]);
    expect(await operators.run()).toMatchObject({ error: null, exit: 0 });
    expect(second.record?.lineage).toBe(former);
    await operators.until({ runner: operators.sync(second) });
    expect(world.history.at(-1)).toMatch(/sync .* ends: done/);
    expect(heldByB()).toEqual([K2]);
    await operators.until(operators.recover(second));
    expect(stage.manifest).toMatchObject({ lineage, formerLineages });
    expect(await operators.run()).toMatchObject({ error: null, exit: 0 });
    expect(await stage.broken()).toEqual([]);
  });

  it('26: the host that retired a key is dead, the store restored: whoever takes it over knowing nothing is asked, each time', async () => {
    const { stage, operators, world, backup } = await retiredWhileOff();
    const [, third] = world.hosts;
    third.record = null;
    for (const place of [...world.outlets[1].publish, ...world.outlets[1].deliver]) place.record = null;
    world.store.setBack(backup, true);
    const { revision } = stage.manifest;
    for (let i = 0; i < 3; i += 1) {
      expect(await operators.run({}, third)).toMatchObject({ exit: 5, error: { code: 'other-host' } });
      const said: string[] = [];
      const context = world.context(world.start(third, 'rotate', UNDISTURBED));
      const asked = confirmTakeOver(
        [context],
        {},
        { stdin: {}, clock: context.clock } as never,
        { say: (line: string) => said.push(line) } as never,
      );
      const refused = asked.catch(({ code, exit }) => ({ code, exit }));
      await operators.pass(MINUTE);
      expect(await refused).toEqual({ code: 'not-confirmed', exit: 2 });
      expect(said.at(-1)).toMatch(new RegExp(`the store has revision ${revision}, and its newest event is`));
      await operators.pass(HOUR);
    }
    expect(third.record).toBeNull();
    expect(stage.manifest.revision).toBe(revision);
    expect(world.violations).toEqual([]);
  });

  it('26: nor does a yes help where the secret of the retired key is gone', async () => {
    const { stage, operators, world, backup } = await retiredWhileOff();
    const [, third] = world.hosts;
    third.record = null;
    world.store.setBack(backup, false);
    expect(stage.active).toBe('k1');
    await operators.pass(HOUR);
    const result = await operators.run({ takeOver: true }, third);
    expect(result).toMatchObject({ exit: 5, error: { code: 'other-history' } });
    expect(world.violations).toEqual([]);
  });

  it.each([
    ['what it remembers', /the store has revision \d+, and this host knows revision \d+;/],
    ['the records beside its outlets', /was written from revision \d+, the store has revision \d+/],
  ])(
    '27: the region that was lost comes back: this host commits nothing there and publishes nothing again, by %s',
    async (by, why) => {
      const { stage, operators, world, backup } = await retiredWhileOff();
      const promoted = world.store.backups.before(0);
      world.store.setBack(backup, true);
      if (by !== 'what it remembers') world.hosts[0].record = null;
      const { revision } = stage.manifest;
      for (let i = 0; i < 5; i += 1) {
        const result = await operators.run(i === 1 ? { force: true } : {});
        expect(result).toMatchObject({ exit: 5, error: { code: 'other-history' } });
        expect(result?.error?.message).toMatch(why);
        await operators.until({ runner: operators.sync(world.hosts[0]) });
        await operators.pass(24 * HOUR);
      }
      expect(stage.manifest.revision).toBe(revision);
      expect(stage.published).toEqual(['k2']);
      // It is set up with the promoted one again.
      world.store.setBack(promoted, true);
      world.store.isSetBack = false;
      expect(await operators.run()).toMatchObject({ error: null, exit: 0 });
      expect(stage.published).not.toContain('k1');
      expect(await stage.broken()).toEqual([]);
    },
  );

  it('27: nor does it when others have committed there meanwhile, beyond what this host has seen', async () => {
    const { stage, operators, world, backup } = await retiredWhileOff();
    const known = stage.manifest.revision;
    world.store.setBack(backup, true);
    // There the timer of a host goes on that the promoted region never had.
    const { manifest } = backup.snapshot!;
    const added = Array.from({ length: known - manifest.revision + 5 }, (_, i) => ({
      id: `there ${i}`,
      at: world.now,
    }));
    const beyond = {
      ...manifest,
      revision: manifest.revision + added.length,
      commits: [...manifest.commits, ...added],
    };
    world.store.newest = { version: 'there', manifest: beyond };
    for (let i = 0; i < 3; i += 1) {
      const result = await operators.run();
      expect(result).toMatchObject({ exit: 5, error: { code: 'other-history' } });
      expect(result?.error?.message).toMatch(/is another commit than the one that this host knows/);
      await operators.pass(24 * HOUR);
    }
    expect(stage.manifest.revision).toBe(beyond.revision);
    expect(stage.published).toEqual(['k2']);
    expect(world.violations).toEqual([]);
  });
});
