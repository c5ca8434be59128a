import { describe, expect, it } from 'vitest';
import { followHints } from './hints.js';
import { HOUR, MINUTE, SECOND, Stage, someService } from './stage.js';

describe('Histories that the simulation found', () => {
  it.each([4, 5])(
    'a sync that is about to publish a key is waited for by its retire (stopped at call %i)',
    async (call) => {
      const stage = new Stage({ services: [someService('issuer', 'signer')] });
      const { operators, world } = stage;
      await stage.begin();
      world.rates.outlet = 1;
      await operators.run({ force: true });
      world.rates.outlet = 0;
      expect(stage.key('k2').state).toBe('pending');
      expect(stage.published).toEqual(['k1']);
      const sync = operators.sync(world.hosts[0], { kill: null, pause: { call, duration: SECOND } });
      await operators.pass(200);
      expect(sync.pausedUntil).toBeGreaterThan(world.now);
      const started = operators.retire(stage.kid('k2'));
      await operators.until(started);
      await operators.until({ runner: sync });
      expect(started.result).toMatchObject({ outcome: 'retired', exit: 0 });
      expect(stage.published).toEqual(['k1']);
      expect(await stage.broken()).toEqual([]);
    },
  );

  it('a new key waits for verifiers although the deadline of another key passed long ago', async () => {
    const stage = new Stage();
    const { operators } = stage;
    await stage.beginAhead();
    await operators.pass(12 * MINUTE);
    await operators.run();
    await stage.killedAfter('published', () => operators.rotate({ force: true }));
    const api = stage.service('api');
    stage.world.rates.service = 1;
    await operators.until(operators.retire(stage.kid('k1')));
    stage.world.rates.service = 0;
    await operators.pass(HOUR);
    // They are up again with what they had read before: the gate has to reload them and to wait.
    for (const worker of api.workers) {
      worker.apply(worker.read(false));
      worker.view = { ...worker.view, kids: [stage.kid('k1'), stage.kid('k2')] };
    }
    const result = await operators.run();
    expect(result?.problems).toEqual([]);
    expect(stage.key('k3').confirmedAt).not.toBeNull();
    expect(await stage.broken()).toEqual([]);
  });

  it('a key that has to leave sooner does not wait for the verifiers of the one that replaces another', async () => {
    const stage = new Stage({ services: [someService('issuer', 'signer'), someService('api', 'verifier')] });
    const { operators, world } = stage;
    await stage.beginAhead();
    await operators.pass(12 * MINUTE);
    // Signers have not confirmed k2: they may still use k1.
    await stage.killedAfter('activated', () => operators.rotate());
    // Nobody answers.
    world.rates.service = 1;
    const active = operators.retire(stage.kid('k2'), { deadline: 10 * MINUTE });
    await operators.pass(2 * SECOND);
    expect(stage.published).toContain('k1');
    const began = world.now;
    const former = operators.retire(stage.kid('k1'), { deadline: 10 * SECOND });
    await operators.pass(20 * SECOND);
    expect(stage.published).not.toContain('k1');
    expect(active.runner.alive).toBe(false);
    await operators.until(former);
    expect(world.now - began).toBeLessThanOrEqual(20 * SECOND);
    world.rates.service = 0;
    expect(await stage.broken()).toEqual([]);
  });

  it('a JWKS that was set back starts publishAhead anew, although a sync repaired it before any rotate saw it', async () => {
    const stage = new Stage();
    const { operators, world } = stage;
    await stage.beginAhead();
    const outlets = world.outlets[0];
    outlets.setBack(outlets.publish[0]!, [stage.kid('k1')]);
    await operators.pass(11 * MINUTE);
    await operators.until({ runner: operators.sync(world.hosts[0]) });
    expect(stage.published).toEqual(['k1', 'k2']);
    await operators.pass(MINUTE);
    await operators.run();
    expect(stage.active).toBe('k1');
    await operators.pass(12 * MINUTE);
    await operators.run();
    expect(stage.active).toBe('k2');
    expect(await stage.broken()).toEqual([]);
  });

  it('a reload from before the switch that ends after it does not let the former key expire too early', async () => {
    const stage = new Stage({ services: [someService('issuer', 'both'), someService('api', 'verifier')] });
    const { operators, world } = stage;
    await stage.beginAhead();
    await operators.pass(12 * MINUTE);
    const issuer = stage.service('issuer');
    const worker = issuer.workers[0]!;
    // It has lost k2, so that the gate reloads it; that reload has read k1 and ends when all is confirmed.
    worker.view = { ...worker.view, kids: [stage.kid('k1')] };
    const started = operators.rotate();
    let slow: ReturnType<typeof worker.read> | null = null;
    world.watchers.add((_, event) => {
      if (event === 'verifiers-confirmed' || slow !== null || stage.delivered !== 'k1') return;
      slow = worker.read(false);
      world.scheduler.after(20 * SECOND, () => slow !== null && worker.apply(slow));
    });
    await operators.until(started);
    expect(stage.active).toBe('k2');
    await operators.pass(30 * MINUTE);
    expect(worker.kid).toBe(stage.kid('k1'));
    await operators.run();
    expect(worker.kid).toBe(stage.kid('k2'));
    expect(stage.key('k1').signedUntil).toBeGreaterThan(world.now - MINUTE);
    expect(await stage.broken()).toEqual([]);
  });

  it('a former key does not expire while one of two workers behind one address signs with it', async () => {
    const services = [someService('issuer', 'signer', { workers: 2 }), someService('api', 'verifier')];
    const { health } = services[0]!.service;
    const distinct = { pointer: '/worker', count: 2 };
    const issuer = { ...services[0]!, service: { ...services[0]!.service, health: { ...health!, distinct } } };
    for (let seed = 1; seed <= 8; seed += 1) {
      const stage = new Stage({ services: [issuer, services[1]!] }, seed);
      const { operators } = stage;
      await stage.beginAhead();
      await operators.pass(12 * MINUTE);
      await operators.run();
      const worker = stage.service('issuer').workers[1]!;
      worker.apply({ ...worker.read(false), kid: stage.kid('k1') });
      await operators.pass(2 * HOUR);
      const result = await operators.run();
      expect(result?.problems.map((one) => one.block)).toEqual([`key ${stage.kid('k1')}`]);
      expect(stage.key('k1').state).toBe('deprecated');
    }
  });

  for (const repairs of ['sync', 'rotate'] as const) {
    it(`a verifier that restarts on what a deployment had published, after a ${repairs}, is looked at once more`, async () => {
      const stage = new Stage({ policy: { rotateEvery: 72 * HOUR } });
      const { operators, world } = stage;
      await stage.begin();
      const leaked = stage.kid('k1');
      await operators.until(operators.retire(leaked));
      await operators.pass(HOUR);
      await operators.run();
      expect(stage.manifest.retirements).toEqual([]);
      const [outlets] = world.outlets;
      outlets.setBack(outlets.publish[0]!, [leaked]);
      await operators.pass(MINUTE);
      if (repairs === 'sync') await operators.until({ runner: operators.sync(world.hosts[0]) });
      else await operators.run();
      expect(stage.published).toEqual(['k2']);
      await operators.run();
      await operators.pass(MINUTE);
      const api = stage.service('api');
      api.restart(api.instances[0]!, SECOND, 90 * SECOND);
      await operators.pass(MINUTE);
      expect(api.workers[0]!.view.kids).toEqual([leaked]);
      await operators.pass(15 * MINUTE);
      const result = await operators.run();
      expect(result?.actions.map((one) => `${one.type} ${one.reason}`)).toEqual(['refresh-services caches-over']);
      expect(api.workers[0]!.view.kids).toEqual([stage.kid('k2')]);
      expect(await stage.broken()).toEqual([]);
    });
  }

  it('a command that an ended run had begun is waited for before the switch', async () => {
    const publish = [{ kind: 'command', url: false, tmpfs: false, heedsRevision: false }] as const;
    // With this seed the command goes on although its run was ended.
    const stage = new Stage({ publish, deliver: false }, 3);
    const { operators, world } = stage;
    const place = world.outlets[0].publish[0]!;
    const api = stage.service('api');
    // The first run publishes k1 and is ended by a retire of it. Its command goes on, and writes when k2 was published;
    // verifiers then confirm k2 all the same, from a copy of before that.
    place.slowCommands.push(15 * SECOND);
    operators.rotate();
    await operators.pass(5 * SECOND);
    for (const _ of api.instances)
      api.planned.push({ readAt: 10 * SECOND, effectAt: 10 * SECOND, staleBy: 5 * SECOND });
    await operators.until(operators.retire(stage.kid('k1')));
    expect(world.violations).toEqual([]);
    expect(stage.active).toBe('k2');
    expect(place.history.map((one) => one.kids.map((kid) => kid.slice(0, 2)))).toEqual([[], ['k2'], ['k1']]);
    await operators.pass(MINUTE);
    expect(stage.published).toEqual(['k2']);
    expect(await stage.broken()).toEqual([]);
  });

  it('a put whose answer was lost, and that lands after its key was purged, is deleted again', async () => {
    const stage = new Stage();
    const { operators, world } = stage;
    await stage.begin();
    // The replacement's first put goes unanswered; the second one stores it.
    world.store.latePuts.push(30 * SECOND);
    const first = operators.retire(stage.kid('k1'));
    await operators.until(first);
    expect(first.result?.problems.map((one) => one.block)).toEqual(['generate']);
    expect(stage.active).toBe('k2');
    await operators.until(operators.retire(stage.kid('k2'), { purge: true }));
    expect(stage.key('k2')).toMatchObject({ state: 'retired', deleteAgainAt: expect.any(Number) });
    expect(world.store.secrets.has(stage.kid('k2'))).toBe(false);
    await operators.pass(MINUTE);
    expect(world.store.secrets.get(stage.kid('k2'))?.goneAt).toBeNull();
    expect(await stage.broken()).toEqual([]);
    expect(world.store.secrets.has(stage.kid('k2'))).toBe(false);
    expect(stage.key('k2').state).toBe('destroyed');
  });

  it('nor does it come back when another run found it stored', async () => {
    const stage = new Stage();
    const { operators, world } = stage;
    await stage.beginAhead();
    const kid = 'k3'.padEnd(43, '-');
    await operators.until(operators.retire(stage.kid('k2')));
    const watch = (runner: { die(): void }, event: string) => {
      // Killed with a put of k3 under way, of which a first attempt has landed.
      if (event !== 'staged') return;
      const wrapped = { kid, alg: 'ES256', jwe: `api|${kid}|ES256|${kid}` } as const;
      world.store.secrets.set(kid, { wrapped, goneAt: null });
      world.scheduler.after(20 * SECOND, () => {
        if (!world.store.secrets.has(kid)) world.store.secrets.set(kid, { wrapped, goneAt: null });
        world.checks.secrets();
      });
      runner.die();
    };
    world.watchers.add(watch);
    await operators.until(operators.rotate({ force: true }));
    world.watchers.delete(watch);
    await operators.run();
    expect(stage.key('k3').state).toBe('pending');
    await operators.until(operators.retire(kid, { purge: true }));
    await operators.pass(MINUTE);
    expect(world.store.secrets.has(kid)).toBe(true);
    expect(await stage.broken()).toEqual([]);
    expect(world.store.secrets.has(kid)).toBe(false);
  });

  it('publishAhead is not over because the JWKS was published while the clock was behind', async () => {
    const stage = new Stage();
    const { operators, world } = stage;
    await stage.begin();
    await stage.killedAfter('stored', () => operators.rotate({ force: true }));
    await operators.pass(3 * HOUR);
    world.hosts[0].offset = -4 * HOUR;
    await operators.run();
    world.hosts[0].offset = 0;
    await operators.run();
    expect(stage.published).toEqual(['k1', 'k2']);
    expect(stage.active).toBe('k1');
    await operators.pass(12 * MINUTE);
    await operators.run();
    expect(stage.active).toBe('k2');
    expect(await stage.broken()).toEqual([]);
  });

  it('an outlet that a reboot had emptied and somebody filled is left, until the operator does what the hint says', async () => {
    const stage = new Stage({ publish: [{ kind: 'file', url: false, tmpfs: true, heedsRevision: true }] });
    const { operators, world } = stage;
    await stage.beginAhead();
    const outlets = world.outlets[0];
    outlets.reboot();
    outlets.setBack(outlets.publish[0]!, [stage.kid('k1')]);
    const result = await operators.run();
    expect(result).toMatchObject({ exit: 4, problems: [{ code: 'outlet-record-missing' }] });
    expect(stage.published).toEqual(['k1']);
    // Whatever else is due is done.
    expect(stage.delivered).toBe('k1');
    expect(await followHints(operators, result!)).toBe(true);
    expect(await stage.broken()).toEqual([]);
    expect(stage.published).toContain('k2');
  });
});
