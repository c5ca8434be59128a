import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServer, startAwsServer } from '../aws/server.js';
import { openAwsSite } from './aws-command.js';
import { accepts, mint, type RotateDocument, type Site } from './fixtures.js';
import { deliveredKid, kidOf, publishedKids, signsWith } from './look.js';
import { recover, recoverKeys } from './recovering.js';

let server: AwsServer;
let site: Site & { prefix: string };
beforeAll(async () => {
  server = await startAwsServer();
});
afterEach(() => site.world.close());
afterAll(() => server.close());

describe('store recover, where AWSCURRENT of the manifest was moved back', { timeout: 90_000 }, () => {
  it('finds the secrets of later keys, and keeps what is named as retired retired', async () => {
    site = await openAwsSite(server);
    await site.world.run(['rotate']);
    await site.world.run(['rotate', '--immediate']);
    const name = `${site.prefix}/api`;
    const older = server.secretText(name);
    const leaked = await kidOf(site, 1);
    await site.world.run(['retire', '--kid', leaked, '--yes', '--deadline', '10s']);
    await site.world.run(['rotate', '--immediate']);
    const [second, third] = [await kidOf(site, 2), deliveredKid(site)];
    const token = await mint(site);
    server.replaceSecret(name, older);
    // A host that remembers nothing: no minute is waited for the store to catch up.
    rmSync(site.world.path('state'), { recursive: true, force: true });

    const adopt = [second, third].flatMap((kid) => ['--adopt', kid]);
    const unsure = await recover(site, '--yes', ...adopt);
    expect(unsure).toMatchObject({ code: 5, document: { error: { code: 'retirements-unknown' } } });
    const { code, document } = await recover(site, '--yes', ...adopt, '--retired', leaked);
    expect({ code, keys: recoverKeys(document) }).toEqual({
      code: 0,
      keys: { [leaked]: 'retired', [second]: 'deprecated', [third]: 'active' },
    });
    expect((await site.world.json<RotateDocument>(['rotate'])).code).toBe(0);
    expect(publishedKids(site).sort()).toEqual([second, third].sort());
    expect(await signsWith(site)).toBe(third);
    expect(await accepts(site, token)).toBe(true);
  });
});

describe('a manifest secret that holds garbage', { timeout: 90_000 }, () => {
  it('keeps retire from nothing, and store recover goes on from the version before', async () => {
    site = await openAwsSite(server);
    await site.world.run(['rotate']);
    await site.world.run(['rotate', '--immediate']);
    const [former, leaked] = [await kidOf(site, 1), await kidOf(site, 2)];
    const name = `${site.prefix}/api`;
    server.replaceSecret(name, '{"schema":1,"__proto__":{"keys":[]}}');
    const args = ['retire', '--kid', leaked, '--yes', '--deadline', '10s'];
    const { code, document } = await site.world.json<RotateDocument>(args);
    const said = document.keysets[0]?.problems.at(-1);
    expect({ code, problem: said?.code }).toEqual({ code: 4, problem: 'store-damaged' });
    expect(said?.message).toContain(`in secret ${name} is damaged`);
    expect(publishedKids(site)).toEqual([former]);
    const recovered = await recover(site, '--yes');
    expect({ code: recovered.code, keys: recoverKeys(recovered.document) }).toEqual({
      code: 0,
      keys: { [former]: 'active', [leaked]: 'retired' },
    });
    expect((await site.world.json<RotateDocument>(['rotate'])).code).toBe(0);
    expect([publishedKids(site), await signsWith(site)]).toEqual([[former], former]);
  });
});
