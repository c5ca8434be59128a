import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { SCENARIOS, type Scenario } from '../crash/scenarios.js';
import { unsettled } from '../crash/settled.js';
import { Site } from '../crash/site.js';
import { isStopped, type Running, until } from './world.js';

const IMMEDIATE = SCENARIOS[1] as Scenario;
const RETIREMENT = SCENARIOS[2] as Scenario;

describe('a run that is suspended for a moment', () => {
  let site: Site;
  afterEach(() => site.close());

  /** Stopped before it makes a call, the first that matches. */
  async function stoppedBefore(call: RegExp, args: readonly string[]): Promise<Running> {
    await site.restore();
    const list = site.world.path('calls');
    await site.start(args, { call: `count:${list}` }).ended;
    const nth =
      readFileSync(list, 'utf8')
        .split('\n')
        .findIndex((one) => call.test(one)) + 1;
    await site.restore();
    const running = site.start(args, { call: `stop-before:${nth}` });
    await until(() => isStopped(running), 'it stops', 30_000);
    return running;
  }

  /** The outlets are locked, and half written. */
  async function stoppedAmidOutlets(): Promise<Running> {
    site = await Site.open();
    await IMMEDIATE.prepare(site);
    return stoppedBefore(/rename jwks.json/, ['rotate', '--immediate']);
  }

  it('keeps its lease, and goes on', async () => {
    const running = await stoppedAmidOutlets();
    const other = await site.world.run(['rotate']);
    expect(other.code).toBe(75);
    expect(other.stderr).toContain(`rotate (pid ${running.child.pid} on`);
    running.child.kill('SIGCONT');
    expect((await running.ended).code).toBe(0);
    expect(await unsettled(site)).toEqual([]);
  });

  for (const { what, version, prepare } of [
    { what: 'makes the keyset', version: 1, prepare: async () => {} },
    { what: 'rotates it', version: 2, prepare: IMMEDIATE.prepare },
  ]) {
    it(`sees that another run ${what} between its look at the store and at the outlets`, async () => {
      site = await Site.open();
      await prepare(site);
      const running = await stoppedBefore(/open jwks.json/, ['rotate']);
      await site.run('rotate', ...(version === 1 ? [] : ['--immediate']));
      running.child.kill('SIGCONT');
      const { code, stdout, stderr } = await running.ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`api: nothing due; active v${version} `);
      expect(await unsettled(site)).toEqual([]);
    });
  }

  it('is ended by an incident, which does not wait for it', async () => {
    const running = await stoppedAmidOutlets();
    const leaked = await RETIREMENT.ends(site);
    const began = Date.now();
    const { code } = await site.world.run(await RETIREMENT.args(site));
    expect(code).toBe(0);
    expect(Date.now() - began).toBeLessThan(15_000);
    expect((await running.ended).signal).toBe('SIGKILL');
    expect(await unsettled(site)).toEqual([]);
    expect(site.services.acceptedKids).not.toContain(leaked);
  });
});
