import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServer, startAwsServer } from '../aws/server.js';
import { awsCommandSuite, awsEnv, openAwsSite } from './aws-command.js';
import { accepts, mint, type RotateDocument, type Site } from './fixtures.js';
import { until } from './world.js';

let server: AwsServer;
beforeAll(async () => {
  server = await startAwsServer();
});
afterAll(() => server.close());

awsCommandSuite('the suite’s own server', () => ({ ...server }));

describe('a store or KMS that is not there, or says no', () => {
  let site: Site & { prefix: string };
  afterEach(async () => {
    server.heal();
    await site.world.close();
  });

  const operations = [
    { operation: 'GetSecretValue', permission: 'secretsmanager:GetSecretValue' },
    { operation: 'Encrypt', permission: 'kms:Encrypt' },
    { operation: 'CreateSecret', permission: 'secretsmanager:CreateSecret' },
  ];
  for (const { operation, permission } of operations) {
    it(`names the permission that is missing: ${permission}`, async () => {
      site = await openAwsSite(server);
      server.fail({ operation, mode: 'denied' });
      const { code, document } = await site.world.json<RotateDocument>(['rotate']);
      expect(code).toBe(3);
      expect(document.error).toMatchObject({ code: 'aws-denied', exit: 3 });
      expect(document.error!.hint).toContain(permission);
      expect(existsSync(site.world.path('public/jwks.json'))).toBe(false);
    });
  }

  it('says which variable is missing, without a region and without credentials', async () => {
    site = await openAwsSite(server);
    const { AWS_DEFAULT_REGION: _, ...withoutRegion } = awsEnv(server);
    site.world.defaultEnv = withoutRegion;
    const region = await site.world.json<RotateDocument>(['rotate']);
    expect(region).toMatchObject({ code: 3, document: { error: { code: 'aws-region' } } });
    expect(region.document.error!.hint).toContain('AWS_REGION');
    site.world.defaultEnv = {
      AWS_ENDPOINT_URL: server.endpoint,
      AWS_REGION: server.region,
      AWS_EC2_METADATA_DISABLED: 'true',
    };
    const credentials = await site.world.json<RotateDocument>(['status']);
    expect(credentials).toMatchObject({ code: 3, document: { error: { code: 'aws-credentials' } } });
    expect(credentials.document.error!.hint).toContain('AWS_PROFILE');
  });

  it('gives up in bounded time where nobody listens', async () => {
    site = await openAwsSite({ ...server, endpoint: 'http://127.0.0.1:9' });
    const began = Date.now();
    const { code, document } = await site.world.json<RotateDocument>(['rotate']);
    expect(Date.now() - began).toBeLessThan(25_000);
    expect(code).toBe(3);
    expect(document.error!.message).toContain('127.0.0.1:9');
    expect((await site.world.run(['status', '--check'])).code).toBe(2);
  });

  it('is throttled and waits', async () => {
    site = await openAwsSite(server);
    server.fail({ operation: 'PutSecretValue', nth: 1, mode: 'throttle' });
    expect((await site.world.run(['rotate'])).code).toBe(0);
  });

  it('loses every reply once, and settles all the same', { timeout: 90_000 }, async () => {
    for (const operation of [
      'CreateSecret',
      'PutSecretValue',
      'UpdateSecretVersionStage',
      'Encrypt',
      'GetSecretValue',
      'Decrypt',
    ]) {
      site = await openAwsSite(server);
      server.fail({ operation, nth: 2, mode: 'lost-reply' });
      const { code, document } = await site.world.json<RotateDocument>(['rotate']);
      expect({ operation, code, outcome: document.keysets[0]?.outcome }).toEqual({
        operation,
        code: 0,
        outcome: 'rotated',
      });
      await site.world.close();
      server.heal();
    }
  });

  it('makes one store read where nothing is due, and no write', async () => {
    site = await openAwsSite(server);
    await site.world.run(['rotate']);
    const counted = [
      'GetSecretValue',
      'PutSecretValue',
      'UpdateSecretVersionStage',
      'CreateSecret',
      'DescribeSecret',
      'ListSecrets',
      'Encrypt',
      'Decrypt',
    ];
    const before = counted.map((operation) => server.calls(operation));
    expect((await site.world.run(['rotate'])).code).toBe(0);
    const after = counted.map((operation, i) => server.calls(operation) - before[i]!);
    expect(Object.fromEntries(counted.map((operation, i) => [operation, after[i]]))).toEqual({
      GetSecretValue: 1,
      PutSecretValue: 0,
      UpdateSecretVersionStage: 0,
      CreateSecret: 0,
      DescribeSecret: 0,
      ListSecrets: 0,
      Encrypt: 0,
      Decrypt: 0,
    });
  });
});

describe('an incident while KMS is down', () => {
  let site: Site & { prefix: string };
  afterEach(async () => {
    server.heal();
    await site.world.close();
  });

  for (const mode of ['before', 'silence'] as const) {
    it(`has the newest deprecated key sign again when no replacement can be made by the deadline (${mode})`, async () => {
      site = await openAwsSite(server);
      const first = (await site.world.json<RotateDocument>(['rotate'])).document.keysets[0]!.active!;
      const leaked = (await site.world.json<RotateDocument>(['rotate', '--immediate'])).document.keysets[0]!.active!;
      server.fail({ operation: 'Encrypt', mode });
      const began = Date.now();
      const running = site.world.start(['retire', '--kid', leaked, '--yes', '--deadline', '3s', '--json']);
      await until(() => !published(site).includes(leaked), 'the leaked key is out of the JWKS', 12_000);
      expect(Date.now() - began).toBeLessThan(7_000);
      const { code, stdout } = await running.ended;
      const [api] = (JSON.parse(stdout) as RotateDocument).keysets;
      expect({ code, active: api!.active, outcome: api!.outcome }).toEqual({
        code: 3,
        active: first,
        outcome: 'retired',
      });
      expect(published(site)).toEqual([first]);
      expect(await accepts(site, await mint(site))).toBe(true);
    });
  }

  it('keeps the only key, and says how to do without', async () => {
    site = await openAwsSite(server);
    const only = (await site.world.json<RotateDocument>(['rotate'])).document.keysets[0]!.active!;
    server.fail({ operation: 'Encrypt', mode: 'before' });
    const { code, document } = await site.world.json<RotateDocument>([
      'retire',
      '--kid',
      only,
      '--yes',
      '--deadline',
      '1s',
    ]);
    expect(code).toBe(5);
    expect(document.error).toMatchObject({ code: 'only-key', hint: expect.stringContaining('--no-replacement') });
    expect(published(site)).toEqual([only]);
    server.heal();
    const next = await site.world.json<RotateDocument>(['rotate']);
    expect(next.code).toBe(0);
    expect(published(site)).toEqual([next.document.keysets[0]!.active]);
    expect(published(site)).not.toContain(only);
  });
});

function published({ world }: Site): string[] {
  return world.readJson('public/jwks.json').keys.map((key) => key.kid);
}
