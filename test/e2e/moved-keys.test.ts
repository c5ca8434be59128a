import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AwsServer, startAwsServer } from '../aws/server.js';
import { awsEnv } from './aws-command.js';
import type { RotateDocument } from './fixtures.js';
import { worldScene } from './scene.js';
import { until, World } from './world.js';

/*
 * Several keysets, and a key that somebody has put into another one's outlet, or moved there, while the store fails.
 */

interface Entry {
  readonly kid: string;
}

let world: World;
/** The former key of keyset `a`. */
let leaked: string;
let entry: Entry;

const entries = (keyset: string) => world.readJson<{ keys: Entry[] }>(`${keyset}.json`).keys;
const kids = (keyset: string) => entries(keyset).map(({ kid }) => kid);

function write(keyset: string, keys: readonly Entry[]): void {
  writeFileSync(world.path(`${keyset}.json`), `${JSON.stringify({ keys })}\n`);
}

function configure(made: World, store: object, wrap: object): void {
  const keyset = (name: string) => ({ publish: [{ file: made.path(`${name}.json`) }], services: [] });
  const defaults = { alg: 'ES256', maxTokenTtl: '1h' };
  made.configure({ store, wrap, defaults, keysets: { a: keyset('a'), b: keyset('b') } });
}

async function rotateTwice(made: World): Promise<void> {
  for (const args of [['rotate'], ['rotate', '--force', '--immediate']]) {
    const { code, stderr } = await made.run(args);
    if (code !== 0) throw new Error(stderr);
  }
}

async function use(made: World): Promise<void> {
  world = made;
  [entry] = entries('a') as [Entry];
  leaked = entry.kid;
}

async function retire(...options: string[]) {
  const args = ['retire', '--yes', '--deadline', '5s', ...options];
  const { code, document } = await world.json<RotateDocument>(args);
  const outcomes = document.keysets?.map(({ name, outcome }) => `${name}: ${outcome}`).sort();
  return { code, error: document.error?.code, outcomes };
}

const copied = () => {
  write('b', [...entries('b'), entry]);
  writeFileSync(world.path('a.json'), `${JSON.stringify({ keys: entries('a') })}\n\n`);
};
const moved = () => {
  write('b', [...entries('b'), entry]);
  write(
    'a',
    entries('a').filter(({ kid }) => kid !== leaked),
  );
};

describe('a key in the outlets of two keysets, while the store fails', { timeout: 120_000 }, () => {
  const rotated = worldScene(async (made) => {
    const kek = { file: made.path('kek') };
    configure(made, { type: 'directory', path: made.path('store') }, { type: 'local', kek });
    await rotateTwice(made);
  });
  beforeEach(async () => use(await rotated()));

  function fail(): void {
    renameSync(world.path('store'), world.path('store.away'));
    writeFileSync(world.path('store'), '');
  }

  async function isTold(): Promise<void> {
    rmSync(world.path('store'));
    renameSync(world.path('store.away'), world.path('store'));
    expect(await world.run(['rotate'])).toMatchObject({ code: 5, stderr: expect.stringContaining('tell it: ') });
    expect(kids('a')).not.toContain(leaked);
    expect(await retire('--kid', leaked)).toMatchObject({ code: 0, outcomes: ['a: retired'] });
    await world.run(['rotate', '--force', '--immediate']);
    for (const keyset of ['a', 'b']) expect(kids(keyset)).not.toContain(leaked);
  }

  const ways = ['--kid', '--key'] as const;
  const plants = [
    ['copied', copied],
    ['moved', moved],
  ] as const;
  it.each(ways.flatMap((way) => plants.map(([what, plant]) => [way, what, plant] as const)))(
    'is retired in each, by %s, and the store is told later: %s',
    async (way, _, plant) => {
      plant();
      writeFileSync(world.path('leaked.jwk'), JSON.stringify(entry));
      fail();
      const named = way === '--kid' ? leaked : world.path('leaked.jwk');
      const both = { code: 4, error: undefined, outcomes: ['a: retired', 'b: retired'] };
      expect(await retire(way, named)).toEqual(both);
      for (const keyset of ['a', 'b']) expect(kids(keyset)).not.toContain(leaked);
      expect(await retire('--kid', leaked.slice(0, 8))).toEqual(both);
      await isTold();
    },
  );

  it('is not remembered for a keyset whose JWKS is as this host wrote it', async () => {
    write('b', [...entries('b'), { ...entry, kid: 'x' }]);
    fail();
    expect(await retire('--kid', leaked)).toMatchObject({ code: 4, outcomes: ['a: retired'] });
    expect(readdirSync(world.folder)).toContain('store.away');
  });
});

describe('a key that was found while the store was silent, and that answers before the deadline', {
  timeout: 120_000,
}, () => {
  let server: AwsServer;
  beforeAll(async () => {
    server = await startAwsServer();
  });
  beforeEach(async () => {
    const made = new World();
    world = made;
    made.defaultEnv = awsEnv(server);
    const prefix = `moved/${process.pid}-${Math.random().toString(36).slice(2)}`;
    configure(made, { type: 'secrets-manager', prefix }, { type: 'kms', keyId: server.keyId });
    await rotateTwice(made);
    await use(made);
  });
  afterEach(async () => {
    server.heal();
    await world.close();
  });
  afterAll(() => server.close());

  /** The store answers as soon as it was said what would be done without it. */
  async function answeredLate(kid: string): Promise<{ code: number | null; stderr: string }> {
    server.fail({ operation: '*', mode: 'silence' });
    const { child, ended } = world.start(['retire', '--kid', kid, '--yes', '--deadline', '30s']);
    let said = '';
    child.stderr?.on('data', (chunk) => (said += chunk));
    await until(() => said.includes('exposure '), 'it is announced', 20_000);
    server.heal();
    const { code, stderr } = await ended;
    for (const keyset of ['a', 'b']) expect(kids(keyset)).not.toContain(leaked);
    await world.run(['rotate', '--force', '--immediate']);
    for (const keyset of ['a', 'b']) expect(kids(keyset)).not.toContain(leaked);
    return { code, stderr };
  }

  it('is retired in the keyset that knows it, too', async () => {
    moved();
    const { code, stderr } = await answeredLate(leaked);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(
      `key            a ${leaked} (ES256, in no outlet of this keyset, which may own it: it is remembered as retired)`,
    );
  });

  it('is what the manifest says, not what lies under the very characters that were typed', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const kid = leaked.slice(0, 8);
    write('a', [...entries('a').filter((one) => one.kid !== leaked), { ...publicKey.export({ format: 'jwk' }), kid }]);
    const { code, stderr } = await answeredLate(kid);
    // What lies there is no key of the keyset, and nobody asked for it.
    expect(code, stderr).toBe(4);
    expect(kids('a')).toContain(kid);
    expect(stderr).toContain(`keyset a: as the store answers now, the key is "${leaked}"\n`);
  });
});
