import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { accepts, mint, type RotateDocument, type Site, type StatusDocument } from './fixtures.js';
import { runAll, scene } from './scene.js';
import type { RunningService } from './world.js';

let site: Site;
const fresh = scene(async () => {});
const rotated = scene((made) => runAll(made, 'rotate'));

async function states(): Promise<Record<string, string>> {
  const { document } = await site.world.json<StatusDocument>(['status']);
  return Object.fromEntries(document.keysets[0]!.keys.map((key) => [`v${key.version}`, key.state]));
}

async function reloadsOf(service: RunningService): Promise<number> {
  return Number((await service.get('/healthz')).body['reloads']);
}

describe('a rotation over real services', () => {
  it('brings the first key to every service in one run', async () => {
    site = await fresh();
    const { code, document } = await site.world.json<RotateDocument>(['rotate']);
    expect(code).toBe(0);
    const [api] = document.keysets;
    expect(api!.outcome).toBe('rotated');
    expect(api!.actions.map((action) => action.type)).toEqual([
      'generate',
      'write-outlets',
      'confirm-verifiers',
      'activate',
      'write-outlets',
      'confirm-signers',
    ]);
    expect((await site.issuer.get('/healthz')).body['kid']).toBe(api!.active);
    expect((await site.gateway.get('/healthz')).body['kids']).toEqual([api!.active]);
    expect(await accepts(site, await mint(site))).toBe(true);
    expect(await states()).toEqual({ v1: 'active' });
  });

  it('has nothing to do afterwards, and writes nothing', async () => {
    site = await rotated();
    const before = [readdirSync(site.world.path('store/api/manifest')), await reloadsOf(site.gateway)];
    const { code, stdout, stderr } = await site.world.run(['rotate']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^api: nothing due; active v1 \S{43}, [\dms ]+ old; next: stage in 88d 23h .*\n$/);
    expect([readdirSync(site.world.path('store/api/manifest')), await reloadsOf(site.gateway)]).toEqual(before);
  });

  it('switches at once with --immediate, and rejects no token on the way', async () => {
    site = await rotated();
    const old = await mint(site);
    const { code, document } = await site.world.json<RotateDocument>(['rotate', '--immediate']);
    expect(code).toBe(0);
    expect(document.keysets[0]!.outcome).toBe('rotated');
    expect(await accepts(site, old)).toBe(true);
    expect(await accepts(site, await mint(site))).toBe(true);
    expect((await site.issuer.get('/healthz')).body['kid']).toBe(document.keysets[0]!.active);
    expect(await states()).toEqual({ v1: 'deprecated', v2: 'active' });
  });

  it('stages with --force and lets publishAhead hold', async () => {
    site = await rotated();
    const { document } = await site.world.json<RotateDocument>(['rotate', '--force']);
    expect(document.keysets[0]!.outcome).toBe('staged');
    expect(await states()).toEqual({ v1: 'active', v2: 'pending' });
    const again = await site.world.json<RotateDocument>(['rotate', '--force']);
    expect(again.document.keysets[0]!.actions).toEqual([]);
    const hurried = await site.world.json<RotateDocument>(['rotate', '--immediate']);
    expect(hurried.document.keysets[0]!.outcome).toBe('rotated');
    expect(await states()).toEqual({ v1: 'deprecated', v2: 'active' });
  });

  it('prints the plan with --dry-run and touches nothing', async () => {
    site = await fresh();
    const { code, stdout } = await site.world.run(['rotate', '--dry-run']);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines.splice(6, 1)[0]).toMatch(/^api: then stage in 8[89]d( 23h)? \(the active key reaches rotateEvery/);
    expect(lines.join('\n')).toBe(
      [
        'api: would generate, wrap and store a new key: ES256 (the first key)',
        'api: would write the outlets and read them back (a new key)',
        'api: would wait until each verifier accepts (new) (a new key)',
        'api: would pass the gate and activate (new) (every verifier can know it)',
        'api: would write the outlets and read them back (the active key changed)',
        'api: would wait until each signer signs with (new) (the active key changed)',
        '',
      ].join('\n'),
    );
    expect(() => statSync(site.world.path('store'))).toThrow();
    expect(() => statSync(site.world.path('kek'))).toThrow();
  });

  it('writes again what a reboot took, and reloads who depends on it', async () => {
    site = await rotated();
    const before = await reloadsOf(site.issuer);
    rmSync(site.world.path('private/api.jwk'));
    rmSync(site.world.path('public/jwks.json'));
    const { code, document } = await site.world.json<RotateDocument>(['rotate']);
    expect(code).toBe(0);
    expect(document.keysets[0]!.actions.map((action) => action.type)).toEqual([
      'note-outlets',
      'write-outlets',
      'refresh-services',
    ]);
    expect(site.world.readJson('public/jwks.json').keys).toHaveLength(1);
    expect(await reloadsOf(site.issuer)).toBe(before + 1);
  });

  it('writes with sync alone, without a reload and without a word to the store', async () => {
    site = await rotated();
    rmSync(site.world.path('private/api.jwk'));
    const before = [readdirSync(site.world.path('store/api/manifest')), await reloadsOf(site.issuer)];
    const { code, stdout } = await site.world.run(['sync']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^api: wrote the signing key of revision \d+\n$/),
    });
    expect([readdirSync(site.world.path('store/api/manifest')), await reloadsOf(site.issuer)]).toEqual(before);
    expect(statSync(site.world.path('private/api.jwk')).mode & 0o777).toBe(0o600);
  });

  it('leaves no private key anywhere but where it was asked to', async () => {
    site = await rotated();
    const d = site.world.readJson<{ d: string }>('private/api.jwk').d;
    const found = readdirSync(site.world.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath}/${entry.name}`)
      .filter((path) => readFileSync(path, 'utf8').includes(d));
    expect(found).toEqual([site.world.path('private/api.jwk')]);
  });
});
