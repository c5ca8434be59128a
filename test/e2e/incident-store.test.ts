import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServer, startAwsServer } from '../aws/server.js';
import { openAwsSite } from './aws-command.js';
import { accepts, mint, type RotateDocument, type Site, type StatusDocument } from './fixtures.js';
import { until } from './world.js';

let server: AwsServer;
let site: Site;
beforeAll(async () => {
  server = await startAwsServer();
});
afterEach(async () => {
  server.heal();
  await site.world.close();
});
afterAll(() => server.close());

async function rotated(...options: string[]): Promise<string> {
  return (await site.world.json<RotateDocument>(['rotate', ...options])).document.keysets[0]!.active!;
}

async function keys() {
  const { document } = await site.world.json<StatusDocument>(['status']);
  return document.keysets[0]!.keys.map(({ version, state }) => `v${version} ${state}`);
}

function retire(kid: string, deadline: string) {
  return site.world.json<RotateDocument>(['retire', '--kid', kid, '--yes', '--deadline', deadline]);
}

describe('an incident while commits work and secrets of keys do not', { timeout: 60_000 }, () => {
  it('puts one and the same key again and again, and leaves no other behind', async () => {
    site = await openAwsSite(server);
    const first = await rotated();
    const leaked = await rotated('--immediate');
    server.fail({ operation: 'CreateSecret', mode: 'error', type: 'LimitExceededException' });
    const before = server.calls('CreateSecret');
    const { code, document } = await retire(leaked, '8s');
    expect({ code, active: document.keysets[0]!.active }).toEqual({ code: 3, active: first });
    expect(server.calls('CreateSecret') - before).toBeGreaterThanOrEqual(2);
    // At the deadline it is not wanted any more.
    expect(await keys()).toEqual(['v1 active', 'v2 retired', 'v3 retired']);
    server.heal();
    expect((await site.world.run(['rotate'])).code).toBe(0);
    expect(await keys()).toEqual(['v1 active', 'v2 retired', 'v3 retired']);
  });

  it('has that key sign as soon as its secret is taken', async () => {
    site = await openAwsSite(server);
    const leaked = await rotated();
    server.fail({ operation: 'CreateSecret', nth: 1, times: 2, mode: 'error', type: 'LimitExceededException' });
    const { document } = await retire(leaked, '30s');
    expect(document.keysets[0]!.outcome).toBe('retired');
    expect(await keys()).toEqual(['v1 retired', 'v2 active']);
    expect(await accepts(site, await mint(site))).toBe(true);
  });

  it('is not held up by a key that a killed run left unfinished', async () => {
    site = await openAwsSite(server);
    const leaked = await rotated();
    const created = server.calls('CreateSecret');
    server.fail({ operation: 'CreateSecret', mode: 'silence' });
    const running = site.world.start(['rotate', '--immediate']);
    await until(() => server.calls('CreateSecret') > created, 'its secret is being put');
    running.child.kill('SIGKILL');
    await running.ended;
    server.heal();
    expect(await keys()).toEqual(['v1 active', 'v2 creating']);
    // After two looks at the manifest: whether the secret is there.
    server.fail({ operation: 'GetSecretValue', nth: 3, mode: 'denied' });
    const { code, document } = await retire(leaked, '20s');
    expect({ code, outcome: document.keysets[0]!.outcome }).toEqual({ code: 3, outcome: 'retired' });
    expect(document.keysets[0]!.problems[0]!.message).toContain('was left unfinished');
    expect(await keys()).toEqual(['v1 retired', 'v2 creating', 'v3 active']);
    expect((await site.world.run(['rotate'])).code).toBe(0);
    expect(await keys()).toEqual(['v1 retired', 'v2 retired', 'v3 active']);
  });
});
