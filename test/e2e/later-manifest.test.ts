import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSite, type RotateDocument, type Site } from './fixtures.js';
import { runAll } from './scene.js';

let site: Site;
beforeEach(async () => {
  site = await openSite();
  await runAll(site, 'rotate');
});
afterEach(() => site.world.close());

/** Changes the newest manifest as a later jwtrot would have written it. */
function later(change: object): void {
  const folder = site.world.path('store/api/manifest');
  const path = `${folder}/${readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .at(-1)}`;
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
}

it('a manifest with members of a later jwtrot is read by who only reads, and committed by nobody', async () => {
  later({ schema: 2, holds: [{ because: 'an audit' }] });
  const { world } = site;
  expect((await world.run(['status'])).code).toBe(0);
  expect((await world.run(['jwks'])).stdout).toBe(readFileSync(world.path('public/jwks.json'), 'utf8'));
  rmSync(world.path('private/api.jwk'));
  expect((await world.run(['sync'])).code).toBe(0);
  expect((await site.issuer.get('/token')).status).toBe(200);
  expect(JSON.parse(readFileSync(world.path('private/api.jwk'), 'utf8')).kid).toBe(
    world.readJson('public/jwks.json').keys[0]?.kid,
  );
  const { code, document } = await world.json<RotateDocument>(['rotate']);
  expect([code, JSON.stringify(document)]).toEqual([5, expect.stringContaining('"manifest-schema"')]);
});

it('one that readers must know is read by nobody', async () => {
  later({ reads: 2 });
  for (const verb of ['status', 'jwks', 'sync', 'rotate'])
    expect([verb, (await site.world.run([verb])).code]).toEqual([verb, 5]);
});
