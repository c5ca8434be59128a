import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AwsServer, startAwsServer } from '../aws/server.js';
import { awsEnv } from './aws-command.js';
import type { RotateDocument } from './fixtures.js';
import { type KeyringService, kill, startService } from './keyring.js';
import { World } from './world.js';

let world: World;
let services: KeyringService[];
beforeEach(() => {
  world = new World();
  services = [];
});
afterEach(async () => {
  services.forEach(kill);
  await world.close();
});

/** Two services that read the store, and are told of it by SIGHUP. Nothing is delivered and nothing need be published. */
async function site(stored: object): Promise<readonly [KeyringService, KeyringService]> {
  const keyset = (listed: object[]) => ({
    alg: 'ES256',
    maxTokenTtl: '1h',
    publish: [{ file: `${world.folderFor('public')}/jwks.json` }],
    services: listed,
  });
  world.configure({ ...stored, keysets: { api: keyset([]) } });
  const start = async (name: string) => {
    const options = { keyset: 'api', role: 'both', reloadOn: 'SIGHUP', from: { config: world.config } } as const;
    const service = await startService(options, world.env());
    writeFileSync(world.path(`${name}.pid`), `${service.child.pid}\n`);
    services.push(service);
    return service;
  };
  const both = [await start('one'), await start('two')] as const;
  const listed = both.map(({ port }, i) => ({
    name: `api${i}`,
    role: 'both',
    reload: { signal: 'HUP', pidFile: world.path(`${['one', 'two'][i]}.pid`), timeout: '5s' },
    health: { url: `http://127.0.0.1:${port}/healthz`, preloaded: '/preloaded', deadline: '10s', timeout: '1s' },
  }));
  world.configure({ ...stored, keysets: { api: keyset(listed) } });
  return both;
}

async function rotate(...options: string[]): Promise<string> {
  const { code, document, stderr } = await world.json<RotateDocument>(['rotate', ...options]);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return document.keysets[0]?.active ?? '';
}

/** A whole life: first key, rotation under traffic, an incident. */
async function life([one, two]: readonly [KeyringService, KeyringService]): Promise<void> {
  expect(await one.health()).toMatchObject({ kid: null, error: expect.stringContaining('no-keyset') });
  const first = await rotate();
  expect(await one.health()).toMatchObject({ kid: first, kids: [first], preloaded: [first], error: null });
  const rejected: string[] = [];
  let checked = 0;
  let isOver = false;
  const traffic = (async () => {
    for (let turn = 0; !isOver; turn++) {
      const [from, to] = turn % 2 === 0 ? [one, two] : [two, one];
      const said = await to.check(await from.token());
      checked += 1;
      if (said.length !== 43) rejected.push(said);
    }
  })();
  await rotate('--force');
  const staged = await two.health();
  expect(staged).toMatchObject({ kid: first, preloaded: [first, expect.any(String)] });
  const second = await rotate('--immediate');
  isOver = true;
  await traffic;
  expect(rejected).toEqual([]);
  expect(checked).toBeGreaterThan(5);
  expect(staged.preloaded).toContain(second);
  expect(await two.health()).toMatchObject({ kid: second, preloaded: [second], error: null });
  const leaked = await one.token();
  expect((await world.run(['retire', '--kid', second, '--yes'])).code).toBe(0);
  expect(await two.check(leaked)).toBe('unknown-kid');
  expect(await two.check(await one.token())).toMatch(/^.{43}$/);
  expect(await Promise.all([one.close(), two.close()])).toEqual([0, 0]);
}

describe('services that read the store', () => {
  it('in a directory hold the next key before it signs, and no token is rejected', async () => {
    const directory = {
      store: { type: 'directory', path: world.path('store') },
      wrap: { type: 'local', kek: { file: world.path('kek') } },
    };
    await life(await site(directory));
  });
});

describe('services that read Secrets Manager', () => {
  let server: AwsServer;
  beforeAll(async () => {
    server = await startAwsServer();
  });
  afterAll(() => server.close());

  it('with keys under KMS do the same', async () => {
    world.defaultEnv = awsEnv(server);
    const stored = {
      store: { type: 'secrets-manager', prefix: `keyring/${process.pid}` },
      wrap: { type: 'kms', keyId: server.keyId },
    };
    await life(await site(stored));
  });

  it('keep their keys while AWS is away, and say so', async () => {
    world.defaultEnv = awsEnv(server);
    const stored = {
      store: { type: 'secrets-manager', prefix: `keyring/${process.pid}-away` },
      wrap: { type: 'kms', keyId: server.keyId },
    };
    const [one, two] = await site(stored);
    const first = await rotate();
    server.fail({ operation: 'GetSecretValue', mode: 'denied' });
    one.child.kill('SIGHUP');
    await expect.poll(async () => (await one.health()).error, { timeout: 30_000 }).toContain('store-failed');
    expect(await one.health()).toMatchObject({ kid: first, kids: [first] });
    expect(await two.check(await one.token())).toBe(first);
    server.heal();
    one.child.kill('SIGHUP');
    await expect.poll(async () => (await one.health()).error, { timeout: 30_000 }).toBe(null);
  });
});
