import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServer, type FaultRule, startAwsServer } from '../aws/server.js';
import { awsEnv, openAwsSite } from './aws-command.js';
import { accepts, mint, type RotateDocument, type Site } from './fixtures.js';
import { deliveredKid, publishedKids, signsWith, statesOf } from './look.js';
import { freePort, until } from './world.js';

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

/** After the deadline. */
const WALL = 10_000;

async function twoKeys(): Promise<readonly [former: string, leaked: string]> {
  site = await openAwsSite(server);
  const active = async (...options: string[]) =>
    (await site.world.json<RotateDocument>(['rotate', ...options])).document.keysets[0]!.active!;
  return [await active(), await active('--immediate')];
}

function secretsManager(mode: FaultRule['mode']): void {
  for (const operation of ['GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage', 'CreateSecret'])
    server.fail({ operation, mode });
}

interface Retired {
  readonly code: number | null;
  readonly stderr: string;
  readonly took: number;
}

async function retire(kid: string, deadline: string): Promise<Retired> {
  const began = Date.now();
  const { code, stderr } = await site.world.run(['retire', '--kid', kid, '--yes', '--deadline', deadline]);
  return { code, stderr, took: Date.now() - began };
}

/** The same, with a store that is well again three seconds after it was first asked. */
async function retireWhileThrottled(kid: string): Promise<Retired> {
  const began = Date.now();
  secretsManager('throttle');
  const { ended } = site.world.start(['retire', '--kid', kid, '--yes', '--deadline', '40s']);
  const before = server.calls('GetSecretValue');
  await until(() => server.calls('GetSecretValue') > before, 'the store is asked', 30_000);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  server.heal();
  const { code, stderr } = await ended;
  return { code, stderr, took: Date.now() - began };
}

function isDelivered(): boolean {
  try {
    return deliveredKid(site) !== '';
  } catch {
    return false;
  }
}

/** The command that the hint says is given again when the store is well: the incident ends, and all goes on. */
async function endsAgain(former: string, leaked: string, states: Record<string, string>): Promise<void> {
  server.heal();
  site.world.defaultEnv = awsEnv(server);
  const waiting = await site.world.run(['rotate']);
  expect(waiting).toMatchObject({ code: 5, stderr: expect.stringContaining(`tell it: jwtrot retire --kid ${leaked}`) });
  const again = await retire(leaked, '10s');
  expect(again.code, again.stderr).toBe(0);
  expect(again.stderr).toContain('this host has retired the key already: the store is told now');
  const rotated = await site.world.run(['rotate']);
  expect(rotated, rotated.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^api: nothing due/) });
  expect(await statesOf(site)).toEqual(states);
  expect(publishedKids(site)).toContain(former);
  expect(publishedKids(site)).not.toContain(leaked);
  expect([await signsWith(site), await accepts(site, await mint(site))]).toEqual([deliveredKid(site), true]);
}

describe('an incident while Secrets Manager does not answer', { timeout: 90_000 }, () => {
  it('is throttled for three seconds: it is tried again, and a replacement signs first', async () => {
    const [former, leaked] = await twoKeys();
    const { code, stderr, took } = await retireWhileThrottled(leaked);
    expect(code, stderr).toBe(0);
    expect(took).toBeLessThan(40_000);
    expect(stderr.match(/it is tried again until the deadline/g) ?? []).not.toHaveLength(2);
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'retired', v3: 'active' });
    expect(publishedKids(site)).toEqual([former, deliveredKid(site)]);
    expect(await signsWith(site)).toBe(deliveredKid(site));
  });

  it.each([
    ['is throttled', 'throttle', 'Secrets Manager'],
    ['is silent', 'silence', 'no answer from Secrets Manager'],
  ] as const)(
    '%s past the deadline: the key is out by then, and the same command ends it later',
    async (_, mode, said) => {
      const [former, leaked] = await twoKeys();
      secretsManager(mode);
      const { code, stderr, took } = await retire(leaked, '2s');
      expect(code, stderr).toBe(4);
      expect(took).toBeLessThan(2_000 + WALL);
      expect(stderr).toContain(said);
      expect(stderr).toContain('this host remembers it');
      expect(stderr).toMatch(/^hint: when the store answers, give the same command again/m);
      expect({ published: publishedKids(site), delivered: isDelivered() }).toEqual({
        published: [former],
        delivered: false,
      });
      await endsAgain(former, leaked, { v1: 'deprecated', v2: 'retired', v3: 'active' });
    },
  );

  it('can not be reached at all, and the deadline is over at once', async () => {
    const [former, leaked] = await twoKeys();
    site.world.defaultEnv = awsEnv({ ...server, endpoint: `http://127.0.0.1:${await freePort()}` });
    const { code, stderr, took } = await retire(leaked, '0s');
    expect(code, stderr).toBe(4);
    expect(took).toBeLessThan(WALL);
    expect({ published: publishedKids(site), delivered: isDelivered() }).toEqual({
      published: [former],
      delivered: false,
    });
    await endsAgain(former, leaked, { v1: 'deprecated', v2: 'retired', v3: 'active' });
  });

  it('takes commits and says nothing: what landed is found by the same command', async () => {
    const [former, leaked] = await twoKeys();
    server.fail({ operation: 'UpdateSecretVersionStage', mode: 'mute' });
    server.fail({ operation: 'GetSecretValue', nth: 3, times: 1_000, mode: 'silence' });
    const { code, stderr, took } = await retire(leaked, '4s');
    expect(code, stderr).toBe(4);
    expect(took).toBeLessThan(4_000 + WALL);
    expect({ published: publishedKids(site), delivered: isDelivered() }).toEqual({
      published: [former],
      delivered: false,
    });
    await endsAgain(former, leaked, { v1: 'deprecated', v2: 'retired', v3: 'active' });
  });

  it('knows nothing of a key that lies in no outlet: the store is waited for, and says which it is', async () => {
    const [former, leaked] = await twoKeys();
    site.world.configure(site.configuration({ publish: [], deliver: [], services: [] }));
    const { code, stderr } = await retireWhileThrottled(former);
    expect(code, stderr).toBe(0);
    expect(await statesOf(site)).toEqual({ v1: 'retired', v2: 'active' });
    server.fail({ operation: 'GetSecretValue', mode: 'throttle' });
    const never = await retire(leaked, '2s');
    expect(never).toMatchObject({ code: 3, stderr: expect.stringContaining('Secrets Manager') });
    expect(never.took).toBeLessThan(2_000 + WALL);
  });
});
