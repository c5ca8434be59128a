import { createPublicKey } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { generateKeyPair } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RotateDocument } from './fixtures.js';
import { storedKeys } from './look.js';
import { recoverKeys } from './recovering.js';
import { runAll, worldScene } from './scene.js';
import type { World } from './world.js';

/*
 * A verifier that finds each key by its kid in a file of its own: `publish: { directory, format: pem }`. It reports
 * nothing; its reloads are counted.
 */

let world: World;

function configure(changes: object = {}): void {
  world.configure({
    store: { type: 'directory', path: world.path('state/store') },
    wrap: { type: 'local', kek: { file: world.path('kek') } },
    keysets: {
      api: {
        alg: 'ES256',
        maxTokenTtl: '1h',
        publish: [{ directory: world.path('keys/'), format: 'pem', ...changes }],
        services: [
          {
            name: 'gateway',
            role: 'verifier',
            reload: { command: ['/bin/sh', '-c', `echo >> ${world.path('reloads')}`] },
          },
        ],
      },
    },
  });
}

const rotatedTwice = worldScene(async (made) => {
  world = made;
  world.folderFor('keys');
  configure();
  await runAll({ world }, 'rotate', 'rotate --immediate');
});
beforeEach(async () => {
  world = await rotatedTwice();
});

const keys = () => storedKeys(world, 'state/store') ?? [];
const kidOf = (version: number) => keys().find((key) => key.version === version)?.kid ?? '';
const fileOf = (kid: string) => world.path(`keys/${kid}.pem`);
const names = () =>
  readdirSync(world.path('keys'))
    .filter((name) => !name.startsWith('.'))
    .sort();
const files = (...kids: string[]) => kids.map((kid) => `${kid}.pem`).sort();
const reloads = () => (existsSync(world.path('reloads')) ? readFileSync(world.path('reloads'), 'utf8').length : 0);

/** Null: the command succeeded. */
async function errorOf(...args: string[]): Promise<unknown> {
  const { code, document } = await world.json<RotateDocument>(args);
  return code === 0 ? null : { code, error: document.error?.code ?? document.keysets[0]?.problems[0]?.code };
}

async function foreignKey(): Promise<string> {
  const { publicKey } = await generateKeyPair('ES256', { extractable: true });
  return createPublicKey({ key: await crypto.subtle.exportKey('jwk', publicKey), format: 'jwk' } as never)
    .export({ format: 'pem', type: 'spki' })
    .toString();
}

describe('A directory of public keys', { timeout: 60_000 }, () => {
  it('holds each key from its publication until it is retired', async () => {
    expect(names()).toEqual(files(kidOf(1), kidOf(2)));
    expect(createPublicKey(readFileSync(fileOf(kidOf(2)))).asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(await errorOf('rotate', '--force')).toBe(null);
    expect(names()).toEqual(files(kidOf(1), kidOf(2), kidOf(3)));
    const before = reloads();
    expect(await errorOf('retire', `--kid=${kidOf(1)}`, '--yes', '--deadline', '10s')).toBe(null);
    expect(names()).toEqual(files(kidOf(2), kidOf(3)));
    expect(reloads()).toBeGreaterThan(before);
  });

  it('gets back a file that somebody has removed or changed, and its verifier is reloaded', async () => {
    const another = await foreignKey();
    const damages = [
      () => unlinkSync(fileOf(kidOf(2))),
      () => writeFileSync(fileOf(kidOf(2)), 'x'),
      () => writeFileSync(fileOf(kidOf(2)), another),
      () => {
        unlinkSync(fileOf(kidOf(2)));
        symlinkSync('/dev/null', fileOf(kidOf(2)));
      },
    ];
    for (const damage of damages) {
      const text = readFileSync(fileOf(kidOf(2)), 'utf8');
      damage();
      expect((await world.run(['rotate', '--dry-run'])).stdout).toContain('write');
      const before = reloads();
      expect(await errorOf('rotate')).toBe(null);
      expect(readFileSync(fileOf(kidOf(2)), 'utf8')).toBe(text);
      expect(reloads()).toBeGreaterThan(before);
    }
    const before = reloads();
    expect(await errorOf('rotate')).toBe(null);
    expect(reloads()).toBe(before);
  });

  it('loses a retired key again, however it was put back', async () => {
    const leaked = fileOf(kidOf(1));
    const saved = world.path('saved.pem');
    copyFileSync(leaked, saved);
    const text = readFileSync(leaked, 'utf8');
    const disguises = [
      () => symlinkSync(saved, leaked),
      () => writeFileSync(leaked, `${'#'.repeat(70_000)}\n${text}`),
      () => writeFileSync(leaked, `# -----BEGIN PUBLIC KEY-----AAAA-----END PUBLIC KEY-----\n${text}`),
    ];
    for (const put of disguises) {
      rmSync(leaked, { force: true });
      put();
      expect(await errorOf('retire', `--kid=${kidOf(1)}`, '--yes', '--deadline', '10s')).toBe(null);
      expect(names()).toEqual(files(kidOf(2)));
    }
    copyFileSync(saved, fileOf('copy'));
    expect(await errorOf('rotate')).toBe(null);
    expect(names()).toEqual(files(kidOf(2)));
    symlinkSync(saved, fileOf('stranger'));
    expect(await errorOf('rotate')).toMatchObject({ code: 5 });
    expect(await errorOf('retire', `--kid=${kidOf(2)}`, '--yes', '--deadline', '10s')).toMatchObject({ code: 4 });
    expect(names()).toContain('stranger.pem');
    expect(names()).not.toContain(`${kidOf(2)}.pem`);
  });

  it('is written by sync', async () => {
    for (const name of readdirSync(world.path('keys'))) unlinkSync(world.path(`keys/${name}`));
    expect(await errorOf('sync')).toBe(null);
    expect(names()).toEqual(files(kidOf(1), kidOf(2)));
  });

  it('with a key that nobody knows is refused, but not in an incident; what is no key stays', async () => {
    const text = await foreignKey();
    writeFileSync(fileOf('mallory'), text);
    writeFileSync(fileOf('notes'), 'no key');
    expect(await errorOf('rotate', '--force')).toEqual({ code: 5, error: 'unknown-keys' });
    expect(await errorOf('retire', `--kid=${kidOf(1)}`, '--yes', '--deadline', '10s')).toEqual({
      code: 4,
      error: 'unknown-kid',
    });
    expect(names()).toEqual(files(kidOf(2), 'mallory', 'notes'));
    // It is retired by its own name, too.
    expect(await errorOf('retire', '--kid=mallory', '--yes', '--deadline', '10s')).toBe(null);
    expect(await errorOf('rotate')).toBe(null);
    expect(names()).toEqual(files(kidOf(2), 'notes'));
  });

  it('loses a leaked key when the store is silent or of another history', async () => {
    const [leaked, active] = [kidOf(1), kidOf(2)];
    const store = world.path('state/store');
    rmSync(`${store}/api/manifest`, { recursive: true });
    writeFileSync(`${store}/api/manifest`, 'no directory');
    const saved = world.path('saved.pem');
    copyFileSync(fileOf(leaked), saved);
    const ways = [
      () => {},
      () => {
        rmSync(fileOf(leaked), { force: true });
        symlinkSync(saved, fileOf(leaked));
      },
      () => {
        for (let i = 0; i < 600; i += 1) writeFileSync(fileOf(`junk-${i}`), 'no key');
      },
    ];
    for (const way of ways) {
      if (!existsSync(fileOf(leaked))) copyFileSync(saved, fileOf(leaked));
      way();
      expect(await errorOf('retire', `--kid=${leaked}`, '--yes', '--deadline', '5s')).toMatchObject({ code: 4 });
      expect(names().filter((name) => !name.startsWith('junk-'))).toEqual(files(active));
    }
    copyFileSync(saved, fileOf(leaked));
    expect(await errorOf('retire', `--key=${saved}`, '--yes', '--deadline', '5s')).toMatchObject({ code: 4 });
    expect(existsSync(fileOf(leaked))).toBe(false);
  });

  it('vouches for its keys when the store is lost', async () => {
    const [former, active] = [kidOf(1), kidOf(2)];
    rmSync(world.path('state/store/api/manifest'), { recursive: true });
    const { document } = await world.json(['store', 'recover', '--dry-run', '--none-retired']);
    expect(Object.keys(recoverKeys(document as never)).sort()).toEqual([former, active].sort());
  });

  it('that is gone is named, and gets its files when it is there again', async () => {
    rmSync(world.path('keys'), { recursive: true });
    const { stdout, stderr } = await world.run(['rotate', '--force', '--dry-run']);
    expect(stdout + stderr).toContain(world.path('keys'));
    expect(await errorOf('rotate', '--force')).toEqual({ code: 4, error: 'no-directory' });
    mkdirSync(world.path('keys'));
    expect(await errorOf('rotate')).toBe(null);
    expect(names()).toEqual(files(kidOf(1), kidOf(2), kidOf(3)));
  });

  it('takes no imported kid that can be no file name', async () => {
    const jwk = {
      ...(await crypto.subtle.exportKey('jwk', (await generateKeyPair('ES256', { extractable: true })).privateKey)),
      alg: 'ES256',
    };
    const { code, stderr } = await world.run(['import', '--jwk', '-', '--kid', 'a/b'], { stdin: JSON.stringify(jwk) });
    expect(code).toBe(2);
    expect(stderr).toContain(
      `the kid "a/b" can't be the name of a file, and ${world.path('keys')} gets one for each key`,
    );
  });
});
