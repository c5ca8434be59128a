import { chownSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refuseForeignStore } from '../../src/cli/foreign-store.js';
import { until, World } from '../e2e/world.js';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());

const STUCK = {
  name: 'gateway',
  role: 'verifier',
  health: { url: 'http://127.0.0.1:1/healthz', deadline: '60s' },
};

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
    ]);
    expect(code).toBe(0);
    expect(document.files.map((file) => file.path)).toContain('/etc/systemd/system/jwtrot.timer');
    expect(document.commands).toContain('systemctl enable --now jwtrot.timer');
    const one = await world.json<{ commands: string[] }>(['setup', 'systemd', '--keyset', 'api', '--dry-run']);
    expect(one.document.commands).toContain('systemctl enable --now jwtrot@api.timer');
  });

  it('names what is missing', async () => {
    expect((await world.json(['setup', 'systemd', '--dry-run'])).document).toMatchObject({
      error: { code: 'no-configuration', exit: 2 },
    });
    world.configure({
      keysets: { api: { maxTokenTtl: '1h', deliver: [{ file: '/run/jwtrot/a.pem', group: 'no-such-group' }] } },
    });
    const { document } = await world.json<{ notes: string[] }>(['setup', 'systemd', '--dry-run']);
    expect(document.notes).toContain('there is no group no-such-group on this host');
    expect((await world.json(['setup', 'launchd'])).document).toMatchObject({ error: { code: 'bad-usage', exit: 2 } });
  });

  it('says that a store which is not named is another one for each user', async () => {
    world.configure({ keysets: { api: { alg: 'ES256', maxTokenTtl: '1h' } } });
    const { document } = await world.json<{ notes: string[] }>(['setup', 'cron', '--dry-run']);
    expect(document.notes).toContainEqual(
      expect.stringMatching(/names no store: .*add store: \{ type: directory, path: \/var\/lib\/jwtrot\/store \}$/),
    );
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
