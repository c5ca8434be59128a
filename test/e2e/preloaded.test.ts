import { rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSite, type RotateDocument, type Site } from './fixtures.js';
import { kidOf, statesOf } from './look.js';
import type { RunningService } from './world.js';

let site: Site;
let issuer: RunningService;
beforeEach(async () => {
  site = await openSite();
  const { world } = site;
  const sealed = world.path('sealed');
  issuer = await world.service({ store: world.path('store/api'), kek: world.path('kek'), sealed, reloadMs: 30 });
  world.configure(configured());
});
afterEach(() => site.world.close());

/** The issuer reads the store itself; nothing is delivered. */
function configured(changes: object = {}): object {
  const { gateway, configuration } = site;
  const service = (name: string, role: string, one: RunningService, more: object) => ({
    name,
    role,
    reload: { signal: 'HUP', pidFile: one.pidFile, timeout: '2s' },
    health: { url: `http://127.0.0.1:${one.port}/healthz`, deadline: '2s', timeout: '500ms', ...more },
  });
  const services = [
    service('issuer', 'signer', issuer, { preloaded: '/preloaded' }),
    service('gateway', 'verifier', gateway, {}),
  ];
  return configuration({ deliver: [], services, ...changes });
}

const seal = () => writeFileSync(site.world.path('sealed'), '');
const unseal = () => rmSync(site.world.path('sealed'));

async function rotated(): Promise<void> {
  expect((await site.world.run(['rotate'])).code).toBe(0);
}

async function health(): Promise<Record<string, unknown>> {
  return (await issuer.get('/healthz')).body;
}

describe('A signer that shows what it has preloaded', () => {
  it('is reloaded when the key is staged, and again when it signs', async () => {
    await rotated();
    const first = await kidOf(site, 1);
    const before = Number((await health())['reloads']);
    expect((await site.world.run(['rotate', '--force'])).code).toBe(0);
    const second = await kidOf(site, 2);
    expect(await health()).toMatchObject({ kid: first, preloaded: [first, second], reloads: before + 1 });
    expect((await site.world.run(['rotate', '--immediate'])).code).toBe(0);
    expect(await health()).toMatchObject({ kid: second, reloads: before + 2 });
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'active' });
  });

  it('holds the switch up while it can not unwrap the next key', async () => {
    await rotated();
    seal();
    const { code, document } = await site.world.json<RotateDocument>(['rotate', '--immediate']);
    const second = await kidOf(site, 2);
    expect(code).toBe(4);
    expect(document.keysets[0]!.problems[0]!.message).toContain(`issuer: has not preloaded "${second}"`);
    expect(document.keysets[0]!.problems[0]!.message).toContain(`v1 ${await kidOf(site, 1)} signs on`);
    expect(await statesOf(site)).toEqual({ v1: 'active', v2: 'pending' });
    expect((await health())['kid']).toBe(await kidOf(site, 1));
    unseal();
    expect((await site.world.run(['rotate', '--immediate'])).code).toBe(0);
    expect((await health())['kid']).toBe(second);
  });

  it('is looked at once more at the gate: one that has lost the key since holds it up', async () => {
    await rotated();
    expect((await site.world.run(['rotate', '--force'])).code).toBe(0);
    seal();
    await issuer.restart();
    // It can't unwrap the first key either: it is left without any.
    expect(await health()).toMatchObject({ kid: null, preloaded: [] });
    expect((await site.world.run(['rotate', '--immediate'])).code).toBe(4);
    expect(await statesOf(site)).toEqual({ v1: 'active', v2: 'pending' });
  });

  it('is awaited in an incident until its deadline, and no longer', async () => {
    await rotated();
    seal();
    const first = await kidOf(site, 1);
    const { code, stderr } = await site.world.run(['retire', '--kid', first, '--deadline', '2s', '--yes']);
    expect(code).toBe(4);
    expect(stderr).toContain('the deadline has passed: nobody was waited for');
    expect(await statesOf(site)).toEqual({ v1: 'retired', v2: 'active' });
  });

  it('is shown by status --probe with the keys that it holds, in words and as JSON', async () => {
    await rotated();
    const { code, stdout } = await site.world.run(['status', '--probe']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/SERVICE +INSTANCE +ROLE +SIGNS +ACCEPTS +PROOF/);
    expect(stdout).toMatch(/^issuer +issuer +signer +v1 +- +preloaded v1/m);
    expect(stdout).toMatch(/^gateway +gateway +verifier +- +v1 +reported/m);
    const { document } = await site.world.json<{ services: object[] }>(['status', '--probe']);
    expect(document.services).toMatchObject([
      { service: 'issuer', proof: 'preloaded', preloaded: [await kidOf(site, 1)] },
      { service: 'gateway', proof: 'reported', preloaded: null },
    ]);
  });
});
