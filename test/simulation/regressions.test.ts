import { describe, expect, it } from 'vitest';
import { HOUR, MINUTE, Stage } from './stage.js';

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
});
