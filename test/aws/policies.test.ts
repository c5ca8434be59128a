import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { awsEnv } from '../e2e/aws-command.js';
import { type Ran, World } from '../e2e/world.js';
import { type Guard, startGuard } from './guard.js';
import { type Account, filled, snippets } from './page.js';
import { actionsOf, allows, type Policy, parsePolicy, without } from './policy.js';
import { type AwsServer, startAwsServer } from './server.js';

let server: AwsServer;
let world: World;
let account: Account;
beforeEach(async () => {
  server = await startAwsServer();
  world = new World();
  account = { region: server.region, account: '111122223333', keyArn: server.keyId };
});
afterEach(async () => {
  await world.close();
  await server.close();
});

const policy = (name: string): Policy => parsePolicy(filled(snippets().get(`${name}.json`) ?? '', account));

function configure(changes: object = {}): void {
  world.configure({
    store: { type: 'secrets-manager', prefix: 'jwtrot' },
    wrap: { type: 'kms', keyId: 'alias/jwtrot' },
    keysets: { api: { alg: 'ES256', maxTokenTtl: '1h', ...changes } },
  });
}

async function as(role: Policy): Promise<Guard & { run: (...args: string[]) => Promise<Ran> }> {
  const guard = await startGuard(server.endpoint, role, account);
  const env = awsEnv({ endpoint: guard.endpoint, keyId: server.keyId, region: server.region });
  return { ...guard, run: (...args) => world.run(args, { env }) };
}

async function kids(run: (...args: string[]) => Promise<Ran>): Promise<string[]> {
  const { stdout } = await run('status', '--json');
  return (JSON.parse(stdout) as { keysets: { keys: { kid: string }[] }[] }).keysets[0]!.keys.map((key) => key.kid);
}

describe('the policies of docs/aws.md', () => {
  it('let the rotator do all it does, and nothing that it never does', async () => {
    configure();
    const rotator = await as(policy('rotator'));
    // A reply that is lost makes it look at what it wrote.
    server.fail({ operation: 'CreateSecret', nth: 2, mode: 'lost-reply' });
    expect((await rotator.run('rotate')).code).toBe(0);
    expect((await rotator.run('rotate', '--immediate')).code).toBe(0);
    const [first = ''] = await kids(rotator.run);
    expect((await rotator.run('retire', '--kid', first, '--yes', '--purge')).code).toBe(0);
    expect((await rotator.run('rotate')).code).toBe(0);
    expect(rotator.denied).toEqual([]);
    expect([...rotator.used].sort()).toEqual(actionsOf(policy('rotator')));
  });

  it.each(['secretsmanager:CreateSecret', 'secretsmanager:DescribeSecret', 'kms:Encrypt'])(
    'are needed whole: without %s the first rotation ends with exit 3 and names it',
    async (action) => {
      configure();
      const rotator = await as(without(policy('rotator'), action));
      const { code, stderr } = await rotator.run('rotate');
      expect(code).toBe(3);
      expect(stderr).toContain(`hint: allow ${action} on `);
      expect(rotator.denied[0]).toContain(action);
    },
  );

  it('let a rotator deliver only with the signer’s policy too', async () => {
    const file = `${world.folderFor('private')}/api.pem`;
    configure({ deliver: [{ file, allowDisk: true }] });
    const alone = await as(policy('rotator'));
    const { code, stderr } = await alone.run('rotate');
    expect(code).toBe(3);
    expect(stderr).toContain('hint: allow kms:Decrypt on ');
    const both = await as({
      ...policy('rotator'),
      Statement: [...policy('rotator').Statement, ...policy('signer').Statement],
    });
    expect((await both.run('rotate')).code).toBe(0);
    expect(both.denied).toEqual([]);
    expect(both.used).toContain('kms:Decrypt');
  });

  it('let the reader print the JWKS and the state, and write nothing', async () => {
    configure();
    expect((await (await as(policy('rotator'))).run('rotate')).code).toBe(0);
    const reader = await as(policy('reader'));
    expect((await reader.run('jwks')).code).toBe(0);
    expect((await reader.run('status')).code).toBe(0);
    expect(reader.denied).toEqual([]);
    expect((await reader.run('rotate', '--immediate')).code).toBe(3);
    expect(reader.denied).not.toEqual([]);
  });

  it('keep keysets and roles apart', () => {
    const secret = (name: string) =>
      `arn:aws:secretsmanager:${account.region}:${account.account}:secret:${name}-a1B2c3`;
    const own = { 'jwtrot:keyset': 'api' };
    const other = { 'jwtrot:keyset': 'other' };
    const may = (role: string, action: string, resource: string, context: Record<string, string> = {}) =>
      allows(policy(role), { action, resource, context });
    expect(may('signer', 'kms:Decrypt', account.keyArn, own)).toBe(true);
    expect(may('signer', 'kms:Decrypt', account.keyArn, other)).toBe(false);
    expect(may('signer', 'kms:Decrypt', account.keyArn)).toBe(false);
    expect(may('signer', 'kms:Decrypt', account.keyArn.replace(/.$/, 'x'), own)).toBe(false);
    expect(may('signer', 'kms:Encrypt', account.keyArn, own)).toBe(false);
    expect(may('rotator', 'kms:Encrypt', account.keyArn, other)).toBe(false);
    expect(may('rotator', 'kms:Decrypt', account.keyArn, own)).toBe(false);
    const get = 'secretsmanager:GetSecretValue';
    expect(may('signer', get, secret(`jwtrot/api/${'k'.repeat(43)}/private`))).toBe(true);
    expect(may('signer', get, secret(`jwtrot/other/${'k'.repeat(43)}/private`))).toBe(false);
    expect(may('signer', get, secret('jwtrot/api-v2'))).toBe(false);
    expect(may('reader', get, secret('jwtrot/api'))).toBe(true);
    expect(may('reader', get, secret(`jwtrot/api/${'k'.repeat(43)}/private`))).toBe(false);
    expect(may('rotator', 'secretsmanager:DeleteSecret', secret('jwtrot/api'))).toBe(false);
    expect(may('rotator', 'secretsmanager:PutSecretValue', secret(`jwtrot/api/${'k'.repeat(43)}/private`))).toBe(false);
  });
});
