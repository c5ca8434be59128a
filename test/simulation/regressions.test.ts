import { describe, expect, it } from 'vitest';
import { HOUR, MINUTE, SECOND, Stage, someService } from './stage.js';

describe('Histories that the simulation found', () => {
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
});
