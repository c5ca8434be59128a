import { beforeEach, describe, expect, it } from 'vitest';
import { accepts, mint, type RotateDocument, type Site } from './fixtures.js';
import { kidOf, publishedKids, signsWith, statesOf, statusOf } from './look.js';
import { runAll, scene } from './scene.js';
import type { RunningService, ServiceOptions } from './world.js';

/* Two signers: one does what it should, the other does not take the new key. */

let site: Site;
let second: RunningService;
const rotated = scene((made) => runAll(made, 'rotate'));
beforeEach(async () => {
  site = await rotated();
});

async function addSigner(options: ServiceOptions, onUnconfirmed: string): Promise<void> {
  second = await site.world.service({ key: site.world.path('private/api.jwk'), reloadMs: 30, ...options });
  const whole = site.configuration() as { keysets: { api: { services: object[] } } };
  const other = {
    name: 'second',
    role: 'signer',
    // Until a reload can't be under way any more, the failed key may come back: longer than these tests take.
    reload: { signal: 'HUP', pidFile: second.pidFile, timeout: '10s' },
    health: { url: `http://127.0.0.1:${second.port}/healthz`, deadline: '2s', timeout: '500ms' },
  };
  site.world.configure(site.configuration({ services: [...whole.keysets.api.services, other], onUnconfirmed }));
}

async function rotate(...options: string[]) {
  const { code, document } = await site.world.json<RotateDocument>(['rotate', ...options]);
  return { code, outcome: document.keysets[0]!.outcome, problems: document.keysets[0]!.problems };
}

async function reloadsOf(service: RunningService): Promise<unknown> {
  return (await service.get('/healthz')).body['reloads'];
}

describe('onUnconfirmed', () => {
  it('auto: goes back where the new key broke a signer, and takes those back that had switched', async () => {
    await addSigner({ onlyFirstKey: true }, 'auto');
    const before = await reloadsOf(site.issuer);
    const { code, outcome, problems } = await rotate('--immediate');
    expect({ code, outcome }).toEqual({ code: 4, outcome: 'rolled-back' });
    expect(problems.map((problem) => problem.code)).toEqual(['rolled-back']);
    expect(problems[0]!.message).toMatch(/^1 of 2 did not confirm \S{43}: second: .*503; going back to \S{43}$/);
    const { rollout, keys } = await statusOf(site);
    const [v1, v2] = keys;
    expect(await signsWith(site)).toBe(v1!.kid);
    expect((await second.get('/healthz')).body['kid']).toBe(v1!.kid);
    expect(Number(await reloadsOf(site.issuer)) - Number(before)).toBe(2);
    expect(rollout).toBeNull();
    // The reload that brought the failed key may be slow: its clock starts when no such thing can happen any more.
    expect(v2).toMatchObject({ state: 'deprecated', reason: 'failed', signedUntil: null });
    expect((await site.world.run(['status'])).stdout).toContain('failed; verifies; signers are looked at again in ');
    expect(publishedKids(site)).toEqual([v1!.kid, v2!.kid]);
  });

  it('auto: waits for a signer that is healthy and only late, since both keys are published', async () => {
    await addSigner({ ignoreReload: true }, 'auto');
    const { code, outcome, problems } = await rotate('--immediate');
    expect({ code, outcome }).toEqual({ code: 4, outcome: 'waiting' });
    expect(problems[0]?.hint).toMatch(
      /^jwtrot status --probe shows .*; the next run goes on, or now: jwtrot rotate --force$/,
    );
    const v1 = await kidOf(site, 1);
    expect((await second.get('/healthz')).body['kid']).toBe(v1);
    expect(publishedKids(site)).toContain(v1);
    expect(await accepts(site, await mint(site))).toBe(true);
    // It never comes back: taken out of the configuration, the switch ends.
    site.world.configure(site.configuration());
    expect(await rotate('--force')).toMatchObject({ code: 0, outcome: 'rotated' });
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'active' });
  });

  it('wait: waits also where the new key broke a signer, until an operator goes back', async () => {
    await addSigner({ onlyFirstKey: true }, 'wait');
    expect(await rotate('--immediate')).toMatchObject({ code: 4, outcome: 'waiting' });
    expect((await statusOf(site)).rollout).toMatchObject({ direction: 'forward', phase: 'switch' });
    expect((await site.world.run(['rollback', '--yes'])).code).toBe(0);
    expect((await second.get('/healthz')).body['kid']).toBe(await kidOf(site, 1));
    expect(await statesOf(site)).toEqual({ v1: 'active', v2: 'deprecated' });
  });

  it('rollback: goes back also for a signer that is only late', async () => {
    await addSigner({ ignoreReload: true }, 'rollback');
    const { code, outcome } = await rotate('--immediate');
    expect({ code, outcome }).toEqual({ code: 4, outcome: 'rolled-back' });
    expect(await statesOf(site)).toEqual({ v1: 'active', v2: 'deprecated' });
    expect(await signsWith(site)).toBe(await kidOf(site, 1));
    expect((await statusOf(site)).rollout).toBeNull();
  });

  it('rotates again right after a rollback, and the token of each key is accepted', async () => {
    await addSigner({ onlyFirstKey: true }, 'auto');
    const tokens = [await mint(site)];
    await rotate('--immediate');
    expect(await rotate()).toMatchObject({
      code: 4,
      outcome: 'backing-off',
      problems: [
        {
          code: 'backing-off',
          message: expect.stringMatching(/^backing off until 20\S+Z after 1 failed attempt: /),
          hint: expect.stringContaining('jwtrot rotate --force'),
        },
      ],
    });
    tokens.push(await mint(site));
    site.world.configure(site.configuration());
    expect(await rotate('--force', '--immediate')).toMatchObject({ code: 0, outcome: 'rotated' });
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'deprecated', v3: 'active' });
    for (const token of [...tokens, await mint(site)]) expect(await accepts(site, token)).toBe(true);
  });
});
