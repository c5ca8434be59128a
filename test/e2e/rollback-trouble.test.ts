import { beforeEach, describe, expect, it } from 'vitest';
import { accepts, mint, type RotateDocument, type Site } from './fixtures.js';
import { deliveredKid, kidOf, publishedKids, signsWith, statesOf, statusOf } from './look.js';
import { runAll, scene } from './scene.js';
import { until } from './world.js';

let site: Site;
const rotated = scene((made) => runAll(made, 'rotate'));
beforeEach(async () => {
  site = await rotated();
});

function run(...args: string[]) {
  return site.world.json<RotateDocument>(args);
}

/** The issuer answers nobody until it is woken. */
function freeze(): void {
  process.kill(site.issuer.pid, 'SIGSTOP');
}

interface Service {
  readonly name: string;
  readonly health: object;
}

function configure(change: (services: Service[]) => Service[]): void {
  const whole = site.configuration() as { keysets: { api: { services: Service[] } } };
  site.world.configure(site.configuration({ services: change(whole.keysets.api.services) }));
}

/** From now on services are given more time than they need, however busy this machine is. */
function bePatient(): void {
  configure((services) => services.map((one) => ({ ...one, health: { ...one.health, deadline: '30s' } })));
}

/** It answers again. */
async function wake(): Promise<void> {
  process.kill(site.issuer.pid, 'SIGCONT');
  bePatient();
  await until(async () => (await site.issuer.get('/healthz')).status === 200, 'the issuer answers');
}

describe('jwtrot rollback where services do not do what they should', () => {
  it('turns back in the middle of a switch', async () => {
    freeze();
    const stuck = await run('rotate', '--immediate');
    expect({ code: stuck.code, outcome: stuck.document.keysets[0]!.outcome }).toEqual({ code: 4, outcome: 'waiting' });
    await wake();
    const { code, document } = await run('rollback', '--yes');
    expect({ code, outcome: document.keysets[0]!.outcome }).toEqual({ code: 0, outcome: 'rolled-back' });
    expect(await statesOf(site)).toEqual({ v1: 'active', v2: 'deprecated' });
    expect(await signsWith(site)).toBe(await kidOf(site, 1));
    expect((await statusOf(site)).rollout).toBeNull();
  });

  it('is killed on the way: the next run goes on with it, back-off or not', async () => {
    await run('rotate', '--immediate');
    const failed = await mint(site);
    const v1 = await kidOf(site, 1);
    bePatient();
    freeze();
    const running = site.world.start(['rollback', '--yes']);
    await until(() => deliveredKid(site) === v1, 'the former key is delivered');
    running.child.kill('SIGKILL');
    await running.ended;
    expect((await statusOf(site)).rollout).toMatchObject({ direction: 'back', phase: 'switch' });
    await wake();
    const { code, document } = await run('rotate');
    expect({ code, outcome: document.keysets[0]!.outcome }).toEqual({ code: 0, outcome: 'rolled-back' });
    expect(await signsWith(site)).toBe(v1);
    expect(await accepts(site, failed)).toBe(true);
  });

  it('settles with a signer that never comes back once that is taken out of the configuration', async () => {
    await run('rotate', '--immediate');
    await site.issuer.stop();
    const { code, document } = await run('rollback', '--yes');
    expect({ code, outcome: document.keysets[0]!.outcome }).toEqual({ code: 4, outcome: 'rolled-back' });
    expect(document.keysets[0]!.problems[0]!.message).toMatch(/issuer: .*connection refused/);
    expect(publishedKids(site)).toEqual([await kidOf(site, 1), await kidOf(site, 2)]);
    // Final: an operator's hurry turns it no more.
    expect((await run('rotate', '--force', '--immediate')).code).toBe(4);
    expect((await statusOf(site)).rollout).toMatchObject({ direction: 'back' });
    configure((services) => services.filter((one) => one.name !== 'issuer'));
    const settled = await run('rollback', '--yes');
    expect({ code: settled.code, outcome: settled.document.keysets[0]!.outcome }).toEqual({
      code: 0,
      outcome: 'rolled-back',
    });
    expect((await statusOf(site)).rollout).toBeNull();
    expect(await statesOf(site)).toEqual({ v1: 'active', v2: 'deprecated' });
  });

  it('lets nobody wait who holds the lease, and says who that is', async () => {
    await run('rotate', '--immediate');
    const before = deliveredKid(site);
    bePatient();
    freeze();
    const running = site.world.start(['rotate', '--force', '--immediate']);
    await until(() => deliveredKid(site) !== before, 'the run waits for the issuer');
    const { code, document } = await run('rollback', '--yes');
    expect(code).toBe(75);
    expect(document.error!.message).toContain(`rotate (pid ${running.child.pid} on`);
    await wake();
    expect((await running.ended).code).toBe(0);
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'deprecated', v3: 'active' });
  });

  it('settles when the key that failed is retired on the way', async () => {
    await run('rotate', '--immediate');
    const [v1, v2] = [await kidOf(site, 1), await kidOf(site, 2)];
    freeze();
    expect((await run('rollback', '--yes')).code).toBe(4);
    const retired = await run('retire', '--kid', v2, '--yes', '--deadline', '1s');
    expect(publishedKids(site)).toEqual([v1]);
    expect(retired.document.keysets[0]!.outcome).toBe('retired');
    await wake();
    expect((await run('rotate')).document.keysets[0]!.active).toBe(v1);
    expect(await signsWith(site)).toBe(v1);
    expect((await statesOf(site))['v2']).toBe('retired');
    expect(await accepts(site, await mint(site))).toBe(true);
  });

  it('settles when the key it leads to is retired on the way', async () => {
    await run('rotate', '--immediate');
    const v1 = await kidOf(site, 1);
    freeze();
    expect((await run('rollback', '--yes')).code).toBe(4);
    await wake();
    const refused = await run('retire', '--kid', v1, '--yes', '--deadline', '10s');
    expect({ code: refused.code, outcome: refused.document.keysets[0]!.outcome }).toEqual({
      code: 0,
      outcome: 'retired',
    });
    expect(await statesOf(site)).toEqual({ v1: 'retired', v2: 'deprecated', v3: 'active' });
    expect(await signsWith(site)).toBe(await kidOf(site, 3));
    expect(await accepts(site, await mint(site))).toBe(true);
  });
});
