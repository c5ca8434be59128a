import { renameSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { accepts, mint, type RotateDocument, type Site } from './fixtures.js';
import { deliveredKid, kidOf, publishedKids, signsWith, statesOf, statusOf } from './look.js';
import { runAll, scene } from './scene.js';

let site: Site;
const rotated = scene((made) => runAll(made, 'rotate'));
beforeEach(async () => {
  site = await rotated();
});

function rollback() {
  return site.world.json<RotateDocument>(['rollback', '--yes']);
}

describe('jwtrot rollback', () => {
  it('puts the former key back, and no token dies that either key signed', async () => {
    const old = await mint(site);
    await site.world.run(['rotate', '--immediate']);
    const failed = await mint(site);
    const { code, document } = await rollback();
    expect(code).toBe(0);
    expect(document.keysets[0]).toMatchObject({ outcome: 'rolled-back', active: await kidOf(site, 1), problems: [] });
    expect(document.keysets[0]!.actions.map((action) => action.type)).toEqual([
      'roll-back',
      'write-outlets',
      'confirm-signers',
    ]);
    expect(await signsWith(site)).toBe(await kidOf(site, 1));
    expect(deliveredKid(site)).toBe(await kidOf(site, 1));
    for (const token of [old, failed, await mint(site)]) expect(await accepts(site, token)).toBe(true);
    expect((await statusOf(site)).keys.map(({ version, state, reason }) => ({ version, state, reason }))).toEqual([
      { version: 1, state: 'active', reason: null },
      { version: 2, state: 'deprecated', reason: 'failed' },
    ]);
  });

  it('holds the timer off, says so in status, and lets an operator rotate at once', async () => {
    await site.world.run(['rotate', '--immediate']);
    await rollback();
    const timer = await site.world.run(['rotate']);
    // All is as it was asked for: no failed unit.
    expect(timer.code).toBe(0);
    expect(timer.stdout).toMatch(/^api: nothing due; .*next: retry in 59m .*rolled back by hand/);
    expect((await site.world.run(['status'])).stdout).toMatch(
      /api: rolled back by hand; next attempt in 59m .*, or now with rotate --force/,
    );
    const forced = await site.world.json<RotateDocument>(['rotate', '--force', '--immediate']);
    expect({ code: forced.code, outcome: forced.document.keysets[0]!.outcome }).toEqual({
      code: 0,
      outcome: 'rotated',
    });
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'deprecated', v3: 'active' });
    expect((await site.world.run(['status'])).stdout).not.toContain('failed attempt');
  });

  it('says what it is about to do, asks, and without a terminal needs --yes', async () => {
    await site.world.run(['rotate', '--immediate']);
    const [v1, v2] = [await kidOf(site, 1), await kidOf(site, 2)];
    const { code, stdout, stderr } = await site.world.run(['rollback']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.split('\n')).toEqual([
      `configuration  ${site.world.config}`,
      `store          directory ${site.world.path('store')}`,
      `signs now      api v2 ${v2} (ES256)`,
      `will sign      api v1 ${v1} (ES256)`,
      'tokens         those of v2 verify on: it leaves the JWKS 1d 1h after the last signer left it',
      'next rotation  in an hour or more; jwtrot rotate --force does not wait',
      'jwtrot: there is no terminal to ask on; nothing was changed',
      'hint: run it again with --yes',
      '',
    ]);
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'active' });
  });

  it('is about one keyset', async () => {
    const { keysets, ...rest } = site.configuration() as { keysets: { api: object } };
    site.world.configure({ ...rest, keysets: { ...keysets, web: { maxTokenTtl: '1h' } } });
    const { code, document } = await rollback();
    expect(code).toBe(2);
    expect(document.error).toMatchObject({ code: 'which-keyset', hint: 'jwtrot rollback --keyset api' });
    expect(document.error!.message).toContain('(api, web)');
    const named = await site.world.json<RotateDocument>(['rollback', '--yes', '--keyset', 'web']);
    expect({ code: named.code, error: named.document.error!.code }).toEqual({ code: 5, error: 'no-keyset' });
  });

  it('refuses where there is nothing to go back to, or what there is can’t sign', async () => {
    const alone = await rollback();
    expect({ code: alone.code, error: alone.document.error!.code }).toEqual({ code: 5, error: 'nothing-to-roll-back' });
    await site.world.run(['rotate', '--immediate']);
    const secret = site.world.path(`store/api/keys/${await kidOf(site, 1)}.json`);
    renameSync(secret, `${secret}.away`);
    const lost = await rollback();
    expect({ code: lost.code, error: lost.document.error!.code }).toEqual({ code: 5, error: 'key-missing' });
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'active' });
    renameSync(`${secret}.away`, secret);
    expect((await rollback()).code).toBe(0);
  });

  it('gives up a new key that has not signed yet', async () => {
    await site.world.run(['rotate', '--immediate']);
    await site.world.run(['rotate', '--force']);
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'active', v3: 'pending' });
    const { code } = await rollback();
    expect(code).toBe(0);
    expect(await statesOf(site)).toEqual({ v1: 'active', v2: 'deprecated', v3: 'retired' });
    expect(publishedKids(site)).toEqual([await kidOf(site, 1), await kidOf(site, 2)]);
    expect(await accepts(site, await mint(site))).toBe(true);
  });
});
