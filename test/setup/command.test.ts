import { chownSync, mkdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refuseForeignStore } from '../../src/cli/foreign-store.js';
import { until, World } from '../e2e/world.js';

let world: World;
beforeEach(() => {
  world = new World();
  // `setup` reads the templates that lie beside the command.
  world.eachAProcess = true;
});
afterEach(() => world.close());

const STUCK = {
  name: 'gateway',
  role: 'verifier',
  health: { url: 'http://127.0.0.1:1/healthz', deadline: '60s' },
};

/** At what it would do on some host: this one need not have jwtrot, nor systemd. */
const LOOK = ['--dry-run', '--other-host'];

describe('SIGTERM', () => {
  it('is answered within 5 s while a store does not answer at all', async () => {
    let asked = 0;
    const server = createServer(() => {
      asked += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    world.configure({
      store: { type: 'secrets-manager' },
      wrap: { type: 'kms', keyId: 'alias/jwtrot' },
      keysets: { api: { maxTokenTtl: '1h' } },
    });
    const { child, ended } = world.start(['rotate', '--json'], {
      env: {
        AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        AWS_REGION: 'eu-central-1',
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
      },
    });
    await until(() => asked > 0, 'the store was asked');
    const started = performance.now();
    child.kill('SIGTERM');
    const { code, stdout } = await ended;
    expect(code).toBe(143);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'interrupted', exit: 143 } });
    server.closeAllConnections();
    server.close();
  });
});

describe('a run beside another one', () => {
  it('gives way, and with --quiet says nothing about it', async () => {
    world.configure({
      store: { type: 'directory', path: world.path('store') },
      keysets: { api: { alg: 'ES256', maxTokenTtl: '1h', services: [STUCK] } },
    });
    const first = world.start(['rotate']);
    let waiting = '';
    first.child.stderr?.on('data', (chunk) => (waiting += chunk));
    await until(() => waiting.includes('wait until each verifier accepts'), 'the first one waits');
    expect(await world.run(['rotate', '--quiet'])).toMatchObject({ code: 75, stdout: '', stderr: '' });
    expect((await world.run(['rotate'])).stderr).toContain('is being worked on by rotate (pid ');
    first.child.kill('SIGTERM');
    expect((await first.ended).code).toBe(143);
  });
});

describe('--splay', () => {
  it('waits first, is interrupted like anything else, and reads the configuration before', async () => {
    world.configure({ keysets: { api: { maxTokenTtl: 'long' } } });
    expect((await world.run(['rotate', '--splay', '1h'])).code).toBe(2);
    world.configure({ keysets: { api: { alg: 'ES256', maxTokenTtl: '1h' } } });
    expect((await world.run(['rotate', '--splay', '50ms'])).stdout).toContain('api: rotated;');
    expect((await world.run(['rotate', '--splay', 'soon'])).code).toBe(2);
  });
});

describe('setup', () => {
  it('shows what it would write, to anybody', async () => {
    world.configure({
      store: { type: 'directory', path: '/var/lib/jwtrot/store' },
      keysets: { api: { alg: 'ES256', maxTokenTtl: '1h' } },
    });
    const { code, document } = await world.json<{ files: { path: string }[]; commands: string[] }>([
      'setup',
      'systemd',
      '--dry-run',
      '--other-host',
    ]);
    expect(code).toBe(0);
    expect(document.files.map((file) => file.path)).toContain('/etc/systemd/system/jwtrot.timer');
    expect(document.commands).toContain('systemctl enable --now jwtrot.timer');
    const one = await world.json<{ commands: string[] }>(['setup', 'systemd', '--keyset', 'api', ...LOOK]);
    expect(one.document.commands).toContain('systemctl enable --now jwtrot@api.timer');
  });

  it('names what is missing', async () => {
    expect((await world.json(['setup', 'systemd', ...LOOK])).document).toMatchObject({
      error: { code: 'no-configuration', exit: 2 },
    });
    expect((await world.json(['setup', 'launchd'])).document).toMatchObject({
      error: { code: 'bad-usage', exit: 2, hint: 'jwtrot setup --help' },
    });
    expect((await world.json(['setup', 'systemd', '--other-host'])).document).toMatchObject({
      error: { code: 'bad-usage', exit: 2, hint: 'jwtrot setup systemd --dry-run --other-host' },
    });
  });

  it('takes a page to show what it would write, the sandbox once, and more when it is asked', async () => {
    world.configure({
      store: { type: 'directory', path: '/var/lib/jwtrot/store' },
      keysets: {
        api: {
          alg: 'ES256',
          maxTokenTtl: '1h',
          publish: [{ file: '/srv/jwks/jwks.json' }],
          services: [{ ...STUCK, reload: { systemd: 'gateway.service' } }],
        },
      },
    });
    const { stdout } = await world.run(['setup', 'systemd', ...LOOK]);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(60);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(stdout.match(/ProtectSystem=strict/g)).toHaveLength(1);
    expect(stdout).toContain('\n    ReadWritePaths=-/srv/jwks\n');
    expect(stdout).toContain('rules.d/50-jwtrot.rules\n    reload gateway.service\n');
    const verbose = await world.run(['setup', 'systemd', '--verbose', ...LOOK]);
    expect(verbose.stdout.match(/ProtectSystem=strict/g)).toHaveLength(3 + 1);
    expect(verbose.stdout).toContain('    polkit.addRule(');
  });

  it('has a help for each system', async () => {
    const systemd = (await world.run(['setup', 'systemd', '--help'])).stdout;
    const cron = (await world.run(['setup', 'cron', '--help'])).stdout;
    expect(systemd).toMatch(/polkit rule[\s\S]*systemctl edit jwtrot\.service/);
    expect(systemd).not.toContain('--splay');
    expect(cron).toMatch(/--splay[\s\S]*\/etc\/cron\.d\/jwtrot[\s\S]*KEK must be a file/);
    for (const text of [systemd, cron])
      for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
    expect((await world.run(['setup', '--help'])).stdout).toMatch(/systemd[^\n]*timer[\s\S]*cron/);
  });

  it('says that a store which is not named is another one for each user', async () => {
    world.configure({ keysets: { api: { alg: 'ES256', maxTokenTtl: '1h' } } });
    const { document } = await world.json<{ notes: string[] }>(['setup', 'cron', ...LOOK]);
    expect(document.notes).toContainEqual(
      expect.stringMatching(/names no store: .*add store: \{ type: directory, path: \/var\/lib\/jwtrot\/store \}$/),
    );
  });
});

describe('somebody who may not read the store', () => {
  it('is told the command that works', async () => {
    const store = world.path('store');
    mkdirSync(store);
    // Whoever owns it, this is somebody else.
    const uid = statSync(store).uid === 4_242 ? 4_243 : 4_242;
    if (statSync(store).uid === 0) chownSync(store, 65_534, 65_534);
    const refused = refuseForeignStore(store, { uid, argv: ['status', '--probe'] });
    await expect(refused).rejects.toMatchObject({
      code: 'foreign-store',
      exit: 3,
      hint: expect.stringMatching(/^sudo (jwtrot-run|-u \S+ jwtrot) status --probe$/),
    });
    await expect(refuseForeignStore(store, { uid: statSync(store).uid, argv: ['status'] })).resolves.toBe(undefined);
  });
});

describe('root over a store of somebody else', () => {
  it('is sent away, before anything is read', async () => {
    const store = world.path('store');
    mkdirSync(store);
    // Without being root, what one makes is not root's already.
    if (process.getuid?.() === 0) chownSync(store, 65_534, 65_534);
    const argv = ['retire', '--kid', "it's"];
    await expect(refuseForeignStore(store, { uid: 0, argv })).rejects.toMatchObject({
      code: 'foreign-store',
      exit: 5,
      hint: expect.stringMatching(/^(jwtrot-run|sudo -u \S+ jwtrot) retire --kid 'it'\\''s'$/),
    });
    await expect(refuseForeignStore(join(store, 'not-yet'), { uid: 0, argv })).rejects.toMatchObject({ exit: 5 });
  });
});
