import { describe, expect, it } from 'vitest';
import { NO_REACH } from './reach.js';
import { HOUR, MINUTE, Stage, someService } from './stage.js';

const RESTORES = { ...NO_REACH, restores: true };

describe('Histories of a retire in another history', () => {
  it('a retire ends where another one was under way when the store was backed up', async () => {
    const stage = new Stage({ reach: RESTORES, services: [someService('issuer', 'signer')] });
    const { operators, world } = stage;
    await stage.begin();
    await stage.killedAfter('activated', () => operators.retire(stage.kid('k1')));
    const commits = world.store.backups.count;
    await operators.run();
    expect(stage.published).toEqual(['k2']);
    world.store.setBack(world.store.backups.before(world.store.backups.count - commits), true);
    expect(stage.key('k1').state).toBe('deprecated');
    const started = operators.retire(stage.kid('k2'));
    await operators.until(started);
    expect(started.result).toMatchObject({ error: null, isOtherHistory: true });
    expect(stage.manifest.commits.length).toBeLessThan(30);
    expect(world.violations).toEqual([]);
  });

  it('a retire in another history moves no signer to the key that is active there', async () => {
    const signer = someService('issuer', 'signer', { asksStore: true });
    const stage = new Stage({ reach: RESTORES, services: [signer, someService('api', 'verifier')] });
    const { operators, world } = stage;
    await stage.begin();
    await operators.until(operators.retire(stage.kid('k1')));
    const state = world.store.backups.before(0);
    await operators.run({ force: true });
    await operators.pass(12 * MINUTE);
    await operators.run();
    expect(stage.active).toBe('k3');
    world.store.setBack(state, true);
    expect(stage.active).toBe('k2');
    // Every verifier had dropped it: it is looked for once more, at signers too.
    const started = operators.retire(stage.kid('k1'));
    await operators.until(started);
    expect(started.result).toMatchObject({ error: null, isOtherHistory: true });
    expect(stage.service('issuer').workers.map((worker) => worker.kid)).toEqual(['k3'.padEnd(43, '-')]);
    expect(world.violations).toEqual([]);
  });

  it('a retire in another history publishes nothing anew, though a verifier reads another set than its command published', async () => {
    const publish = [{ kind: 'command', url: false, tmpfs: false, heedsRevision: true }] as const;
    const stage = new Stage({ reach: RESTORES, publish });
    const { operators, world } = stage;
    await stage.begin();
    await operators.run({ force: true });
    await operators.pass(12 * MINUTE);
    await operators.run();
    await operators.until(operators.retire(stage.kid('k2')));
    expect(stage.published).toEqual(['k1', 'k3']);
    const state = world.store.backups.before(0);
    await operators.pass(3 * HOUR);
    await operators.run();
    expect(stage.published).toEqual(['k3']);
    world.store.setBack(state, true);
    const started = operators.retire(stage.kid('k3'), { noReplacement: true });
    await operators.until(started);
    expect(started.result).toMatchObject({ error: null, isOtherHistory: true });
    expect(stage.published).not.toContain('k1');
    expect(world.violations).toEqual([]);
  });
});
