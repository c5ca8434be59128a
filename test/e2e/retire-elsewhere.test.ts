import { existsSync, rmSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { backUp, readRecord, restore } from './backups.js';
import type { RotateDocument, Site } from './fixtures.js';
import { deliveredKid, kidOf, publishedKids, statesOf } from './look.js';
import { runAll, scene } from './scene.js';

let site: Site;
const rotated = scene((made) => runAll(made, 'rotate'));
beforeEach(async () => {
  site = await rotated();
});

const DEADLINE = 20_000;

async function retire(kid: string, ...options: string[]) {
  const began = Date.now();
  const args = ['retire', '--kid', kid, '--yes', '--deadline', `${DEADLINE}ms`, ...options];
  const { code, document } = await site.world.json<RotateDocument>(args);
  const problems = document.keysets?.[0]?.problems ?? [];
  // What became of each outlet, and last what it is about.
  const messages = problems.map(({ message }) => message);
  return { code, took: Date.now() - began, outcome: document.keysets?.[0]?.outcome, messages, said: problems.at(-1) };
}

async function acceptedKids(): Promise<unknown> {
  return (await site.gateway.get('/healthz')).body['kids'];
}

describe('retire in a store that was restored', () => {
  it('takes out a key that was made after the backup, and adds nothing (trace 19)', async () => {
    await site.world.run(['rotate', '--immediate']);
    backUp(site.world);
    await site.world.run(['rotate', '--immediate']);
    const [v1, v2, v3] = [await kidOf(site, 1), await kidOf(site, 2), await kidOf(site, 3)];
    restore(site.world);
    const before = readRecord(site.world);
    const { code, took, outcome, messages, said } = await retire(v3);
    expect({ code, outcome }).toEqual({ code: 4, outcome: 'retired' });
    expect(messages[0]).toContain('public/jwks.json');
    expect(messages[1]).toContain('private/api.jwk');
    expect(took).toBeLessThan(DEADLINE);
    expect(said?.message).toContain(
      `the request is recorded there; the key is not in ${site.world.path('public/jwks.json')}, ${site.world.path('private/api.jwk')}, and nothing was added to any`,
    );
    expect(said?.hint).toContain('jwtrot store recover --keyset api');
    expect(publishedKids(site)).toEqual([v1, v2]);
    // It held that key, and no other can be delivered.
    expect(existsSync(site.world.path('private/api.jwk'))).toBe(false);
    expect(await acceptedKids()).toEqual([v1, v2]);
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'active', v3: 'retired' });
    // The host still knows the other history, and that the key is retired.
    const { lineage, revision } = before;
    expect(readRecord(site.world)).toMatchObject({ lineage, revision, retired: [{ kid: v3 }] });
    for (const verb of ['rotate', 'sync', 'rotate']) expect((await site.world.run([verb])).code).toBe(5);
    expect(publishedKids(site)).toEqual([v1, v2]);
  }, 60_000);

  it('takes out the key that is active there, makes no other, and waits for none', async () => {
    await site.world.run(['rotate', '--immediate']);
    backUp(site.world);
    await site.world.run(['rotate', '--immediate']);
    const [v1, v2, v3] = [await kidOf(site, 1), await kidOf(site, 2), await kidOf(site, 3)];
    restore(site.world);
    const { code, took, outcome, said } = await retire(v2);
    expect({ code, outcome }).toEqual({ code: 4, outcome: 'retired' });
    expect(took).toBeLessThan(DEADLINE);
    expect(said?.message).toContain('no key is active there now, and none was made');
    expect(publishedKids(site)).toEqual([v1, v3]);
    expect(deliveredKid(site)).toBe(v3);
    expect(await acceptedKids()).toEqual([v1, v3]);
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'retired' });
  }, 60_000);

  it('leaves the only key of an outlet where it is, unless it is told to, and says so', async () => {
    backUp(site.world);
    const v1 = await kidOf(site, 1);
    await site.world.run(['rotate', '--force']);
    expect((await site.world.run(['retire', '--kid', await kidOf(site, 2), '--yes'])).code).toBe(0);
    restore(site.world);
    const first = await retire(v1);
    expect(first.code).toBe(4);
    expect(first.outcome).toBe('waiting');
    expect(first.messages[0]).toContain('public/jwks.json');
    expect(publishedKids(site)).toEqual([v1]);
    expect((await retire(v1, '--no-replacement')).code).toBe(4);
    expect(publishedKids(site)).toEqual([]);
  }, 90_000);

  it('takes a key out where the store was lost, and begins no history that the host would take for its own', async () => {
    await site.world.run(['rotate', '--immediate']);
    const [v1, v2] = [await kidOf(site, 1), await kidOf(site, 2)];
    const { lineage } = readRecord(site.world);
    rmSync(site.world.path('store'), { recursive: true });
    const { code, outcome, said } = await retire(v1);
    expect({ code, outcome }).toEqual({ code: 4, outcome: 'retired' });
    expect(said?.message).toContain('the store has no such keyset any more');
    expect(publishedKids(site)).toEqual([v2]);
    expect(deliveredKid(site)).toBe(v2);
    expect(readRecord(site.world)).toMatchObject({ lineage, retired: [{ kid: v1 }] });
    for (const verb of ['rotate', 'sync']) expect((await site.world.run([verb])).code).toBe(5);
  }, 60_000);
});
