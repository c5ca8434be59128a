import { describe, expect, it } from 'vitest';
import { HOUR, MINUTE, SECOND, Stage, someService } from './stage.js';

const AT_ONCE = { publishAhead: 0, jwksMaxAge: 0, unlistedVerifiers: false } as const;

describe('Traces 10 to 18 of the model checker break nothing', () => {
  it('10: publishAhead counts from when the JWKS was read back, not from when it was ordered', async () => {
    const stage = new Stage();
    const { operators } = stage;
    await stage.begin();
    await stage.killedAfter('stored', () => operators.rotate({ force: true }));
    await operators.pass(HOUR);
    const result = await operators.run();
    expect(result?.exit).toBe(0);
    expect(stage.published).toEqual(['k1', 'k2']);
    expect(stage.active).toBe('k1');
    await operators.pass(12 * MINUTE);
    await operators.run();
    expect(stage.active).toBe('k2');
    expect(await stage.broken()).toEqual([]);
  });

  it('11: a JWKS that a deployment set back starts publishAhead anew', async () => {
    const stage = new Stage();
    const { operators, world } = stage;
    await stage.beginAhead();
    const outlets = world.outlets[0];
    outlets.setBack(outlets.publish[0]!, [stage.kid('k1')]);
    await operators.pass(12 * MINUTE);
    await operators.run();
    expect(stage.published).toEqual(['k1', 'k2']);
    expect(stage.active).toBe('k1');
    await operators.pass(12 * MINUTE);
    await operators.run();
    expect(stage.active).toBe('k2');
    expect(await stage.broken()).toEqual([]);
  });

  it('12: signedUntil is taken when the last signer has confirmed, not when the run began', async () => {
    const stage = new Stage();
    const { operators } = stage;
    await stage.beginAhead();
    await operators.pass(12 * MINUTE);
    stage.service('issuer').planned.push({ readAt: 100 * SECOND, effectAt: 110 * SECOND });
    const started = stage.world.now;
    const result = await operators.run();
    expect(result?.exit).toBe(0);
    await operators.pass(10 * MINUTE);
    await operators.run();
    expect(stage.key('k1').signedUntil).toBeGreaterThan(started + 110 * SECOND);
    expect(await stage.broken()).toEqual([]);
  });

  it('13: the clocks of two hosts and of a verifier, each wrong by half of clockSkew', async () => {
    for (const [slow, fast] of [
      [-30, 30],
      [30, -30],
    ] as const) {
      const publish = [{ kind: 'command', url: false, tmpfs: false, heedsRevision: true }] as const;
      const stage = new Stage({ secondHost: true, deliver: false, publish });
      const { operators, world } = stage;
      const [first, second] = world.hosts;
      first.offset = slow * SECOND;
      second.offset = fast * SECOND;
      await stage.begin();
      await operators.run({ force: true }, second);
      await operators.pass(13 * MINUTE);
      await operators.run({}, first);
      expect(stage.active).toBe('k2');
      for (let i = 0; i < 40; i += 1) {
        await operators.pass(3 * MINUTE);
        await operators.run({}, i % 2 === 0 ? second : first);
      }
      expect(stage.key('k1').state).toBe('retired');
      expect(await stage.broken()).toEqual([]);
    }
  });

  it('14: publishAhead 0s: a verifier that restarts after the gate reads the file itself', async () => {
    const stage = new Stage({ policy: AT_ONCE });
    const { operators } = stage;
    await stage.begin();
    const paused = await stage.pausedAfter('verifiers-confirmed', MINUTE, () => operators.rotate({ force: true }));
    const api = stage.service('api');
    api.restart(api.instances[0]!, SECOND);
    await operators.until(paused);
    api.restart(api.instances[1]!, SECOND);
    await operators.pass(MINUTE);
    expect(stage.active).toBe('k2');
    expect(await stage.broken()).toEqual([]);
  });

  it('15: a slow reload that brings a signer back to the key that was given up', async () => {
    const stage = new Stage({
      policy: { onUnconfirmed: 'rollback' },
      services: [someService('issuer', 'signer', { instances: 2 }), someService('api', 'verifier')],
    });
    const { operators } = stage;
    await stage.beginAhead();
    await operators.pass(12 * MINUTE);
    // One instance never takes k2; the other reads it, and comes up with it when the way back is confirmed already.
    const issuer = stage.service('issuer');
    issuer.cannotUse.add(stage.kid('k2'));
    for (let i = 0; i < 6; i += 1) issuer.planned.push({ readAt: 100, effectAt: 100 });
    const started = operators.rotate();
    const watch = (_: unknown, event: string) => {
      if (event !== 'rolled-back') return;
      const worker = issuer.instances[1]!.workers[0]!;
      const read = { ...worker.read(false), kid: stage.kid('k2') };
      issuer.cannotUse.clear();
      stage.world.scheduler.after(60 * SECOND, () => worker.apply(read));
    };
    stage.world.watchers.add(watch);
    await operators.until(started);
    expect(started.result?.outcome).toBe('rolled-back');
    await operators.pass(30 * MINUTE);
    for (let i = 0; i < 4; i += 1) {
      await operators.run();
      await operators.pass(HOUR);
    }
    expect(await stage.broken()).toEqual([]);
  });

  it('16 and 17: a put that lands after the key was given up is deleted again', async () => {
    const stage = new Stage();
    const { operators, world } = stage;
    await stage.begin();
    const kid = 'k2'.padEnd(43, '-');
    await stage.killedAfter('staged', () => operators.rotate({ force: true }));
    const wrapped = { kid, alg: 'ES256', jwe: `api|${kid}|ES256|${kid}` } as const;
    world.scheduler.after(20 * SECOND, () => world.store.secrets.set(kid, { wrapped, goneAt: null }));
    await operators.run();
    expect(stage.key('k2').reason).toBe('failed');
    await operators.pass(MINUTE);
    expect(world.store.secrets.has(kid)).toBe(true);
    expect(await stage.broken()).toEqual([]);
    expect(world.store.secrets.has(kid)).toBe(false);
  });

  it('18: a verifier that restarts with a stale read after an incident is looked at once more', async () => {
    const stage = new Stage();
    const { operators } = stage;
    await stage.begin();
    await operators.until(operators.retire(stage.kid('k1')));
    expect(stage.published).toEqual(['k2']);
    const leaked = stage.kid('k1');
    const api = stage.service('api');
    const worker = api.instances[0]!.workers[0]!;
    api.restart(api.instances[0]!, SECOND, 5 * MINUTE);
    await operators.pass(MINUTE);
    expect(worker.view.kids).toContain(leaked);
    await operators.pass(15 * MINUTE);
    const result = await operators.run();
    expect(result?.exit).toBe(0);
    expect(worker.view.kids).not.toContain(leaked);
    expect(await stage.broken()).toEqual([]);
  });
});
