import { describe, expect, it } from 'vitest';
import { HOUR, MINUTE, SECOND, Stage, someService } from './stage.js';

describe('Traces 1 to 9 of the model checker break nothing', () => {
  it('1: a sync that read before a rotation published does not write afterwards', async () => {
    const stage = new Stage();
    const { operators, world } = stage;
    await stage.begin();
    world.outlets[0].setBack(stage.world.outlets[0].publish[0]!, []);
    const sync = operators.sync(world.hosts[0], { kill: null, pause: { call: 1, duration: 20 * SECOND } });
    await operators.pass(SECOND);
    await operators.run({ force: true });
    await operators.until({ runner: sync });
    await operators.pass(12 * MINUTE);
    await operators.run();
    const api = stage.service('api');
    api.restart(api.instances[0]!, SECOND, 0);
    await operators.pass(MINUTE);
    expect(stage.active).toBe('k2');
    expect(stage.published).toContain('k2');
    expect(await stage.broken()).toEqual([]);
  });

  it('2: a run that was paused past its lease repairs nothing from what it had read', async () => {
    const stage = new Stage();
    const { operators } = stage;
    await stage.begin();
    const paused = await stage.pausedAfter('stored', 40 * MINUTE, () => operators.rotate({ force: true }));
    await operators.pass(20 * MINUTE);
    // The owner lives, so its lease has to run out first.
    await operators.run({ force: true });
    await operators.pass(12 * MINUTE);
    await operators.run();
    await operators.until(paused);
    const api = stage.service('api');
    api.restart(api.instances[0]!, SECOND, 0);
    await operators.pass(MINUTE);
    expect(paused.result?.error).toMatchObject({ code: 'lease-lost' });
    expect(stage.active).toBe('k2');
    expect(await stage.broken()).toEqual([]);
  });

  it('2: nor does it deliver a former private key when it wakes', async () => {
    const stage = new Stage({ policy: { onUnconfirmed: 'rollback' } });
    const { operators } = stage;
    await stage.beginAhead();
    await operators.pass(12 * MINUTE);
    const paused = await stage.pausedAfter('activated', 40 * MINUTE, () => operators.rotate());
    await operators.pass(25 * MINUTE);
    const retire = operators.retire(stage.kid('k2'));
    await operators.until(retire);
    expect(stage.active).toBe('k3');
    await operators.until(paused);
    expect(stage.delivered).toBe('k3');
    expect(await stage.broken()).toEqual([]);
  });

  it('3: a reboot that empties the tmpfs after the delivery is noticed by the next run', async () => {
    const stage = new Stage();
    const { operators, world } = stage;
    await stage.beginAhead();
    await operators.pass(12 * MINUTE);
    stage.service('issuer').planned.push({ readAt: 100 * SECOND, effectAt: 100 * SECOND });
    const started = operators.rotate();
    await operators.pass(20 * SECOND);
    expect(stage.delivered).toBe('k2');
    started.runner.die();
    world.hosts[0].boot += 1;
    world.outlets[0].reboot();
    const issuer = stage.service('issuer');
    issuer.restart(issuer.instances[0]!, 10 * SECOND);
    await operators.pass(HOUR);
    expect(stage.delivered).toBeNull();
    const result = await operators.run();
    expect(result?.exit).toBe(0);
    expect(stage.delivered).toBe('k2');
    expect(await stage.broken()).toEqual([]);
  });

  it('4: of three writers each believes its commit only if it is in the newest manifest', async () => {
    const publish = [{ kind: 'command', url: false, tmpfs: false, heedsRevision: true }] as const;
    const stage = new Stage({ secondHost: true, deliver: false, publish });
    const { operators, world } = stage;
    await stage.begin();
    const started = [0, 1, 0].map((i) => operators.rotate({ force: true }, undefined, world.hosts[i as 0 | 1]));
    for (const one of started) await operators.until(one);
    expect(started.filter((one) => one.result?.actions.some((action) => action.type === 'generate'))).toHaveLength(1);
    expect(stage.manifest.keys.filter((key) => key.state === 'pending')).toHaveLength(1);
    expect(await stage.broken()).toEqual([]);
  });

  it('5: a retire that is killed after the switch is finished by the timer, without waiting for verifyFor', async () => {
    const stage = new Stage();
    const { operators } = stage;
    await stage.begin();
    const kid = stage.kid('k1');
    await stage.killedAfter('activated', () => operators.retire(kid));
    expect(stage.active).toBe('k2');
    const result = await operators.run();
    expect(result?.exit).toBe(0);
    expect(stage.key('k1').state).toBe('retired');
    expect(stage.published).toEqual(['k2']);
    expect(await stage.broken()).toEqual([]);
  });

  it('6: a leaked pending key is not activated by the timer after a retire that was killed', async () => {
    const stage = new Stage();
    const { operators } = stage;
    await stage.beginAhead();
    const kid = stage.kid('k2');
    await stage.killedAfter('retired', () => operators.retire(kid));
    await operators.pass(12 * MINUTE);
    await operators.run();
    expect(stage.active).toBe('k1');
    expect(stage.published).toEqual(['k1']);
    expect(await stage.broken()).toEqual([]);
  });

  it('7: a first key that no signer confirms is not rolled back to nothing', async () => {
    const stage = new Stage({ policy: { onUnconfirmed: 'rollback' } });
    const { operators } = stage;
    stage.service('issuer').cannotUse.add('k1'.padEnd(43, '-'));
    const result = await operators.run();
    expect(result?.exit).toBe(4);
    expect(stage.active).toBe('k1');
    expect(await stage.broken()).toEqual([]);
  });

  it('8: when KMS is down at the deadline the former key signs again, and the leaked one is out', async () => {
    const stage = new Stage();
    const { operators, world } = stage;
    await stage.beginAhead();
    await operators.pass(12 * MINUTE);
    await stage.killedAfter('activated', () => operators.rotate());
    world.rates.kms = 1;
    const retire = operators.retire(stage.kid('k2'));
    await operators.until(retire);
    expect(stage.active).toBe('k1');
    expect(stage.published).toEqual(['k1']);
    world.rates.kms = 0;
    await operators.run();
    expect(stage.delivered).toBe('k1');
    expect(await stage.broken()).toEqual([]);
  });

  it('9: a key that becomes active again is not retired by its former signedUntil', async () => {
    const stage = new Stage({
      policy: { onUnconfirmed: 'rollback' },
      services: [someService('issuer', 'signer'), someService('api', 'verifier')],
    });
    const { operators, world } = stage;
    await stage.beginAhead();
    await operators.pass(12 * MINUTE);
    stage.service('issuer').cannotUse.add(stage.kid('k2'));
    const rolledBack = await operators.run();
    expect(rolledBack?.outcome).toBe('rolled-back');
    stage.service('issuer').cannotUse.clear();
    await operators.pass(10 * MINUTE);
    world.rates.kms = 1;
    await operators.until(operators.retire(stage.kid('k1')));
    world.rates.kms = 0;
    expect(stage.active).toBe('k2');
    expect(stage.key('k2').signedUntil).toBeNull();
    await operators.pass(6 * HOUR);
    await operators.run();
    expect(stage.active).toBe('k2');
    expect(await stage.broken()).toEqual([]);
  });
});
