import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeyringOptions } from '../../src/keyring/public.js';
import type { RotateDocument } from './fixtures.js';
import { type KeyringService, kill, startService, withFiles } from './keyring.js';
import { World } from './world.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

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

async function start(options: KeyringOptions): Promise<KeyringService> {
  const service = await startService(options, world.env());
  services.push(service);
  return service;
}

/** An issuer and a verifier that watch the files which jwtrot writes. */
async function site() {
  const jwks = `${world.folderFor('public')}/jwks.json`;
  const key = `${world.folderFor('private')}/api.jwk`;
  // The delivered key tells it how long a token may live.
  const issuer = await start({ keyset: 'api', role: 'signer', from: { files: { jwks, key } } });
  const verifier = await start({ keyset: 'api', role: 'verifier', from: { files: { jwks } } });
  const service = (name: string, role: string, { port }: KeyringService) => ({
    name,
    role,
    reload: { none: true },
    health: { url: `http://127.0.0.1:${port}/healthz`, deadline: '10s', timeout: '500ms' },
  });
  world.configure(
    withFiles(world, { jwks, key }, [service('issuer', 'signer', issuer), service('api', 'verifier', verifier)]),
  );
  return { issuer, verifier, jwks, key };
}

async function rotate(...options: string[]): Promise<string> {
  const { code, document, stderr } = await world.json<RotateDocument>(['rotate', ...options]);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return document.keysets[0]?.active ?? '';
}

describe('a rotation of services with a keyring', () => {
  it('confirms by their health alone, and no token is rejected on the way', async () => {
    const { issuer, verifier } = await site();
    expect(await issuer.health()).toMatchObject({ kid: null, kids: [] });
    const first = await rotate();
    expect(await issuer.health()).toMatchObject({ kid: first, error: null });
    const rejected: string[] = [];
    const signedWith = new Set<string>();
    const held: string[] = [];
    let isOver = false;
    const traffic = (async () => {
      while (!isOver) {
        const token = await issuer.token();
        if (held.length < 20) held.push(token);
        const said = await verifier.check(token);
        signedWith.add(said);
        if (said.length !== 43) rejected.push(said);
      }
    })();
    const second = await rotate('--immediate');
    for (const token of held) expect(await verifier.check(token)).toMatch(/^.{43}$/);
    isOver = true;
    await traffic;
    expect(rejected).toEqual([]);
    expect(await verifier.check(await issuer.token())).toBe(second);
    expect(signedWith.has(first)).toBe(true);
    expect(second).not.toBe(first);
  });

  it('ends a leaked key in every process', async () => {
    const { issuer, verifier } = await site();
    const first = await rotate();
    const token = await issuer.token();
    const { code } = await world.run(['retire', '--kid', first, '--yes']);
    expect(code).toBe(0);
    expect(await verifier.check(token)).toBe('unknown-kid');
    expect((await issuer.health()).kid).not.toBe(first);
    expect(await verifier.check(await issuer.token())).toMatch(/^.{43}$/);
  });
});

describe('the process of a keyring', () => {
  it('ends by itself once it is closed, and also without that', async () => {
    const { issuer, verifier } = await site();
    await rotate();
    expect(await Promise.all([issuer.close(), verifier.close()])).toEqual([0, 0]);
    const jwks = join(world.path('public'), 'jwks.json');
    const code = `require('jwtrot').openKeyring({ keyset: 'api', role: 'verifier', reloadOn: ['change', 'SIGHUP'], from: { files: { jwks: ${JSON.stringify(jwks)} } } }).then((k) => console.log(k.health().kids.length))`;
    const { status, stdout } = spawnSync(process.execPath, ['-e', code], {
      cwd: ROOT,
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect([status, stdout]).toEqual([0, '1\n']);
  });

  it('reads again on SIGHUP, and is not ended by it', async () => {
    const { jwks } = await site();
    await rotate();
    const service = await start({ keyset: 'api', role: 'verifier', reloadOn: 'SIGHUP', from: { files: { jwks } } });
    const { loadedAt } = await service.health();
    service.child.kill('SIGHUP');
    await expect.poll(async () => (await service.health()).loadedAt, { timeout: 10_000 }).not.toBe(loadedAt);
  });

  it('loads neither AWS nor YAML', () => {
    const code =
      "require('jwtrot'); console.log(Object.keys(require.cache).length, process.moduleLoadList.filter((one) => /NativeModule (https?|http2|tls|child_process|internal\\/crypto\\/webcrypto)$/.test(one)).join())";
    expect(execFileSync(process.execPath, ['-e', code], { cwd: ROOT, encoding: 'utf8' })).toBe('3 \n');
  });
});

/** A program as a user writes it. */
const PROGRAM = `
const rings: Promise<Keyring>[] = [
  openKeyring({ keyset: 'api', role: 'both', from: { files: { jwks: '/j', key: '/k' } }, reloadOn: ['change', 'SIGHUP'] }),
  openKeyring({ keyset: 'api', role: 'verifier', from: { jwks: 'https://id.example/jwks.json' }, staleAfter: '1h' }),
];
export async function use(): Promise<string> {
  const ring = await rings[0];
  if (ring === undefined) throw new KeyringError('closed', 500, '');
  const token: string = await ring.sign({ sub: 'u1' }, { expiresIn: '15m', audience: ['a'] });
  const { payload, protectedHeader } = await ring.verify(token, { issuer: 'i', audience: null, type: 'at+jwt' });
  const { kid, status }: Health = ring.health();
  await ring.close();
  return [payload['sub'], protectedHeader.kid, kid, status, ring.jwks().keys[0]?.kid].join();
}
export function isLater(error: unknown): boolean {
  return error instanceof KeyringError && error.status === 503 && error.code === 'stale';
}
// @ts-expect-error each expectation must be given, or waived with null
export const lax = (ring: Keyring) => ring.verify('t', { issuer: 'i' });
// @ts-expect-error there is no such code
export const odd = (error: KeyringError) => error.code === 'expired';
`;

describe('the types', () => {
  it('fit the program of a user, as an ES module and as CommonJS, without any other types', () => {
    const folder = mkdtempSync(join(tmpdir(), 'jwtrot-types-'));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules/jwtrot'));
    const imports = "import { openKeyring, KeyringError, type Keyring, type Health } from 'jwtrot';\n";
    writeFileSync(join(folder, 'a.mts'), imports + PROGRAM);
    writeFileSync(join(folder, 'b.cts'), imports + PROGRAM);
    const compilerOptions = {
      module: 'NodeNext',
      target: 'ES2023',
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      types: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['a.mts', 'b.cts'] }));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '--project', folder], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect(stdout).toBe('');
  });
});
