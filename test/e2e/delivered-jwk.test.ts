import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { openSite, type RotateDocument, type Site } from './fixtures.js';

let site: Site;
afterEach(() => site.world.close());

const path = () => site.world.path('private/api.jwk');
const told = () => JSON.parse(readFileSync(path(), 'utf8')).jwtrot;
const reloads = async () => Number((await site.issuer.get('/healthz')).body['reloads']);

async function actions(...args: string[]): Promise<string[]> {
  const { code, document } = await site.world.json<RotateDocument>(['rotate', ...args]);
  expect(code).toBe(0);
  return document.keysets[0]?.actions.map(({ type }) => type) ?? [];
}

describe('a delivered JWK', () => {
  it('tells its keyset and the longest life of a token, in seconds', async () => {
    site = await openSite();
    await actions();
    expect(told()).toEqual({ keyset: 'api', maxTokenTtl: 3600 });
    expect(await actions()).toEqual([]);
  });

  it('of a version that told nothing is written once more, and its signers reload once', async () => {
    site = await openSite();
    await actions();
    const { jwtrot: _, ...old } = JSON.parse(readFileSync(path(), 'utf8'));
    writeFileSync(path(), `${JSON.stringify(old, null, 2)}\n`);
    const before = await reloads();
    const planned = await site.world.run(['rotate', '--dry-run']);
    expect([planned.code, planned.stdout]).toEqual([0, expect.stringContaining('outlets')]);
    expect(await actions()).toEqual(['note-outlets', 'write-outlets', 'refresh-services']);
    expect([told(), (await reloads()) - before]).toEqual([{ keyset: 'api', maxTokenTtl: 3600 }, 1]);
    expect(await actions()).toEqual([]);
    expect((await reloads()) - before).toBe(1);
  });

  it('follows a longer maxTokenTtl', async () => {
    site = await openSite();
    await actions();
    site.world.configure(site.configuration({ maxTokenTtl: '2h' }));
    expect(await actions()).toContain('record-policy');
    expect(told()).toEqual({ keyset: 'api', maxTokenTtl: 7200 });
    expect(await actions()).toEqual([]);
  });
});
