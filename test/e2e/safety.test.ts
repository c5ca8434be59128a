import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { accepts, mint, openSite, type RotateDocument, type Site, type StatusDocument } from './fixtures.js';
import { freePort, until, World } from './world.js';

let site: Site;
let world: World | null = null;
afterEach(async () => {
  await site?.world.close();
  await world?.close();
  world = null;
});

const foreignPair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const foreign = { ...foreignPair.privateKey.export({ format: 'jwk' }), kid: 'legacy-2019', alg: 'ES256' };
const { d: _, ...foreignPublic } = foreign;

describe('first use', () => {
  it('makes a keyset of its own where nothing is configured', async () => {
    world = new World();
    const { code, stdout, stderr } = await world.run(['rotate']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^default: rotated; active v1 \S{43}, 0s old; next: stage in 88d 23h .*\n$/),
    });
    expect(stderr).toContain('default: generate, wrap and store a new key: RS256, 2048 bits (the first key)');
    // There is no outlet.
    expect(stderr).not.toContain('write the outlets');
    const jwks = await world.run(['jwks']);
    expect(JSON.parse(jwks.stdout).keys).toEqual([expect.objectContaining({ kty: 'RSA', alg: 'RS256', use: 'sig' })]);
    expect(jwks.stdout).not.toContain('"d"');
  });

  it('never overwrites a key that somebody depends on: it is imported first', async () => {
    site = await openSite();
    writeFileSync(site.world.path('public/jwks.json'), JSON.stringify({ keys: [foreignPublic] }));
    const { code, document } = await site.world.json<RotateDocument>(['rotate']);
    expect(code).toBe(5);
    expect(document.error).toMatchObject({
      code: 'unknown-keys',
      exit: 5,
      hint: expect.stringContaining('jwtrot import'),
    });
    expect(document.error!.message).toContain('"legacy-2019" in');
    expect(site.world.readJson('public/jwks.json').keys).toEqual([foreignPublic]);
    expect(existsSync(site.world.path('store'))).toBe(false);

    writeFileSync(site.world.path('old.jwk'), JSON.stringify(foreign));
    const imported = await site.world.run(['import', '--jwk', 'old.jwk']);
    expect({ code: imported.code, stdout: imported.stdout }).toEqual({
      code: 0,
      stdout: 'api: imported v1 legacy-2019 (ES256) as active\n',
    });
    const rotated = await site.world.json<RotateDocument>(['rotate']);
    expect(rotated.code).toBe(0);
    expect((await site.issuer.get('/healthz')).body['kid']).toBe('legacy-2019');
    const token = await mint(site);
    expect(await accepts(site, token)).toBe(true);
    expect((await site.world.json<RotateDocument>(['rotate', '--immediate'])).document.keysets[0]!.outcome).toBe(
      'rotated',
    );
    expect(await accepts(site, token)).toBe(true);
    expect(site.world.readJson('public/jwks.json').keys.map((key) => key.kid)).toContain('legacy-2019');
  });

  it('refuses where a service already reports a kid', async () => {
    site = await openSite();
    writeFileSync(site.world.path('public/jwks.json'), JSON.stringify({ keys: [foreignPublic] }));
    process.kill(site.gateway.pid, 'SIGHUP');
    await until(
      async () => ((await site.gateway.get('/healthz')).body['kids'] as string[]).length === 1,
      'the gateway holds the foreign key',
    );
    rmSync(site.world.path('public/jwks.json'));
    const { code, stderr } = await site.world.run(['rotate']);
    expect(code).toBe(5);
    expect(stderr).toContain('"legacy-2019" at gateway');
    expect(existsSync(site.world.path('store'))).toBe(false);
  });

  it('imports a public half as a key that only verifies', async () => {
    site = await openSite();
    await site.world.run(['rotate']);
    writeFileSync(site.world.path('old.jwk'), JSON.stringify(foreignPublic));
    expect((await site.world.run(['import', '--public', 'old.jwk'])).code).toBe(0);
    const { code } = await site.world.run(['rotate']);
    expect(code).toBe(0);
    expect((await site.gateway.get('/healthz')).body['kids']).toContain('legacy-2019');
    expect((await site.world.run(['import', '--public', 'old.jwk'])).code).toBe(5);
  });
});

describe('bad input', () => {
  it('reports every mistake of a configuration at once, and touches nothing', async () => {
    world = new World();
    writeFileSync(
      world.config,
      'store: { type: directory, path: /tmp/x }\nkeysets:\n  api:\n    maxTokenTtl: 7\n    publishAhed: 1h\n',
      { mode: 0o600 },
    );
    const { code, stdout, stderr } = await world.run(['rotate']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`${world.config}:4:18: keysets.api.maxTokenTtl:`);
    expect(stderr).toContain(`${world.config}:5:5: keysets.api.publishAhed:`);
    expect(stderr).toContain('publishAhead');
    expect(readdirSync(world.folder)).toEqual(['jwtrot.yaml']);
  });

  it('refuses a configuration that others can write', async () => {
    site = await openSite();
    chmodSync(site.world.config, 0o666);
    const { code, stderr } = await site.world.run(['rotate']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/hint: chmod/);
    expect(existsSync(site.world.path('store'))).toBe(false);
  });

  it('refuses a damaged manifest, a missing KEK and a foreign private key, overwriting nothing', async () => {
    site = await openSite();
    await site.world.run(['rotate']);
    rmSync(site.world.path('kek'));
    rmSync(site.world.path('private/api.jwk'));
    const missing = await site.world.json<RotateDocument>(['rotate']);
    expect(missing.code).toBe(5);
    expect(missing.document.error!.code).toBe('kek-missing');
    expect(existsSync(site.world.path('kek'))).toBe(false);

    writeFileSync(site.world.path('private/api.jwk'), JSON.stringify(foreign), { mode: 0o600 });
    const unknown = await site.world.json<RotateDocument>(['rotate']);
    expect(unknown.code).toBe(5);
    expect(unknown.document.error!.code).toBe('unknown-keys');
    expect(JSON.stringify(unknown.document)).not.toContain(String(foreign.d));
    expect(site.world.readJson('private/api.jwk')).toEqual(foreign);

    const folder = site.world.path('store/api/manifest');
    const newest = readdirSync(folder).sort().at(-1)!;
    writeFileSync(`${folder}/${newest}`, readFileSync(`${folder}/${newest}`, 'utf8').slice(0, 200));
    const damaged = await site.world.json<RotateDocument>(['rotate']);
    expect(damaged.code).toBe(5);
    expect(damaged.document.error!.code).toBe('manifest-damaged');
    expect((await site.world.run(['status', '--check'])).code).toBe(2);
  });

  it('says what a verb or an option should have been', async () => {
    world = new World();
    const verb = await world.run(['rotat']);
    expect({ code: verb.code, stdout: verb.stdout }).toEqual({ code: 2, stdout: '' });
    expect(verb.stderr).toMatch(/unknown command 'rotat'\n?.*rotate/s);
    const both = await world.json<RotateDocument>(['retire']);
    expect(both.code).toBe(2);
    expect(both.document.error).toMatchObject({ code: 'which-key', exit: 2 });
  });

  it('knows no other code than a plugin’s with --check', async () => {
    world = new World();
    const absent = await world.run(['status', '--check']);
    expect({ code: absent.code, stdout: absent.stdout }).toEqual({
      code: 2,
      stdout:
        "JWTROT CRITICAL - default: the keyset does not exist | 'default_age'=U;7866000;7952400;0 'default_keys'=U;;10;0\n",
    });
    await world.run(['rotate']);
    const good = await world.run(['status', '--check']);
    expect({ code: good.code, stdout: good.stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^JWTROT OK - default: active v1 is \d+s old \| 'default_age'=\d+s;/),
    });
    writeFileSync(world.config, 'nonsense: true\n', { mode: 0o600 });
    expect((await world.run(['status', '--check'])).code).toBe(3);
    const wrong = await world.json<{ error: object }>(['status', '--check']);
    expect(wrong).toMatchObject({
      code: 3,
      document: { schema: 1, error: { code: 'bad-config', exit: 3 } },
      stderr: '',
    });
  });

  it('prints the document of status with --check --json, and exits as a plugin', async () => {
    world = new World();
    const absent = await world.json(['status', '--check']);
    expect(absent).toEqual({ ...(await world.json(['status'])), code: 2 });
    expect(absent.document).toMatchObject({ schema: 1, keysets: [{ name: 'default', keys: [] }] });
    await world.run(['rotate']);
    expect(await world.json(['status', '--check'])).toEqual(await world.json(['status']));
  });
});

describe('services that do not do what they should', () => {
  it('keeps the old key signing where a verifier does not confirm, says why, and backs off', async () => {
    site = await openSite();
    await site.world.run(['rotate']);
    const before = (await site.issuer.get('/healthz')).body['kid'];
    const port = await freePort();
    const { keysets } = site.configuration() as {
      keysets: { api: { services: { health: { url: string; deadline: string } }[] } };
    };
    keysets.api.services[1]!.health = { url: `http://127.0.0.1:${port}/healthz`, deadline: '1s' };
    site.world.configure({ ...site.configuration(), keysets });
    const { code, document } = await site.world.json<RotateDocument>(['rotate', '--immediate']);
    expect(code).toBe(4);
    expect(document.keysets[0]!.outcome).toBe('waiting');
    expect(document.keysets[0]!.problems[0]!.message).toContain('gateway: connection refused');
    expect((await site.issuer.get('/healthz')).body['kid']).toBe(before);

    const held = await site.world.run(['rotate']);
    expect(held.code).toBe(4);
    expect(held.stdout).toMatch(/^api: backing off; .*next: retry in 59m.*; or now: jwtrot rotate --force\n$/);
    expect(held.stdout.trim().split('\n')).toHaveLength(1);

    site.world.configure(site.configuration());
    const forced = await site.world.json<RotateDocument>(['rotate', '--force']);
    expect(forced.document.keysets[0]!.outcome).toBe('rotated');
  });

  it('goes back where the new key broke a signer', async () => {
    site = await openSite({ issuer: { dieOnReload: true, dieAfter: 1 } });
    await site.world.run(['rotate']);
    const { document: before } = await site.world.json<StatusDocument>(['status']);
    const { code, document } = await site.world.json<RotateDocument>(['rotate', '--immediate']);
    expect(code).toBe(4);
    expect(document.keysets[0]!.outcome).toBe('rolled-back');
    const { document: after } = await site.world.json<StatusDocument>(['status']);
    const state = Object.fromEntries(after.keysets[0]!.keys.map((key) => [key.version, key.state]));
    expect(state).toEqual({ 1: 'active', 2: 'deprecated' });
    expect(site.world.readJson<{ kid: string }>('private/api.jwk').kid).toBe(before.keysets[0]!.keys[0]!.kid);
  });

  it('stops at Ctrl-C after the step under way, and the next run goes on', async () => {
    site = await openSite({ gateway: { ignoreReload: true } });
    const running = site.world.start(['rotate']);
    await until(() => existsSync(site.world.path('public/jwks.json')), 'the JWKS is published');
    await until(
      async () => ((await site.gateway.get('/healthz')).body['reloads'] as number) > 0,
      'the gateway was told to reload',
    );
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('interrupted by SIGINT; the step under way was finished or is resumable');
    expect(stderr).toContain('stands at phase verify');
    const { document } = await site.world.json<StatusDocument>(['status']);
    expect(document.keysets[0]!.rollout).toMatchObject({ phase: 'verify' });
  });

  it('keeps two runs apart, and takes over at once from one that was killed', async () => {
    site = await openSite({ gateway: { ignoreReload: true } });
    const running = site.world.start(['rotate']);
    await until(
      async () => ((await site.gateway.get('/healthz')).body['reloads'] as number) > 0,
      'the first run waits for the gateway',
    );
    const second = await site.world.json<RotateDocument>(['rotate']);
    expect(second.code).toBe(75);
    expect(second.document.error!.message).toContain(`rotate (pid ${running.child.pid} on`);
    running.child.kill('SIGKILL');
    await running.ended;
    await site.gateway.stop();
    const gateway = await site.world.service({ jwks: site.world.path('public/jwks.json') }, site.gateway.port);
    const third = await site.world.json<RotateDocument>(['rotate']);
    expect(third.code).toBe(0);
    expect(third.document.keysets[0]!.outcome).toBe('rotated');
    expect((await gateway.get('/healthz')).body['reloads']).toBe(0);
  });
});
