import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { World } from './world.js';

const SERVICE = fileURLToPath(new URL('fleet-service.js', import.meta.url));
/** Writes down what the process used. */
const USAGE = fileURLToPath(new URL('../../bench/usage.cjs', import.meta.url));
const MIB = 100;

let world: World;
let fleet: ChildProcess;
beforeEach(() => {
  world = new World();
});
afterEach(async () => {
  const ended = new Promise((resolve) => fleet.once('exit', resolve));
  fleet.kill('SIGKILL');
  await ended;
  await world.close();
});

/** @returns the port */
async function start(options: { count: number; slowest: number }): Promise<number> {
  const jwks = `${world.folderFor('public')}/jwks.json`;
  fleet = fork(SERVICE, [JSON.stringify({ ...options, jwks })]);
  return new Promise((resolve) => fleet.once('message', (message: { port: number }) => resolve(message.port)));
}

function configure(services: readonly object[]): void {
  world.configure({
    store: { type: 'directory', path: world.path('store') },
    wrap: { type: 'local', kek: { file: world.path('kek') } },
    keysets: {
      api: { alg: 'ES256', maxTokenTtl: '1h', publish: [{ file: world.path('public/jwks.json') }], services },
    },
  });
}

const confirmedIn = (stderr: string) => new Set(stderr.match(/verifier\S*( \(\d+\))? confirmed$/gm)).size;

describe('a rotation', { timeout: 60_000 }, () => {
  it(`waits for hundreds of instances within ${MIB} MiB`, async () => {
    const count = 300;
    const port = await start({ count, slowest: 4_000 });
    const instances = Array.from({ length: count }, (_, i) => ({ name: `${i + 1}`, address: `127.0.0.1:${port}` }));
    configure([
      {
        name: 'verifier',
        role: 'verifier',
        instances,
        reload: { http: 'http://{address}/reload/{name}' },
        health: { url: 'http://{address}/healthz/{name}', deadline: '30s' },
      },
    ]);
    const account = world.path('usage.json');
    const { code, stderr } = await world.run(['rotate'], {
      env: { NODE_OPTIONS: `--require ${USAGE}`, JWTROT_BENCH_USAGE: account },
    });
    expect({ code, confirmed: confirmedIn(stderr) }).toEqual({ code: 0, confirmed: 0 });
    expect(stderr).toContain(`api:   ${count} confirmed\n`);
    expect(stderr.trimEnd().split('\n').length).toBeLessThan(20);
    expect((JSON.parse(readFileSync(account, 'utf8')) as { peak: number }).peak).toBeLessThan(MIB);
  });

  it('of many services and instances of every kind has Node warn of nothing', async () => {
    const count = 48;
    const port = await start({ count, slowest: 200 });
    const at = `127.0.0.1:${port}`;
    const numbers = Array.from({ length: count }, (_, i) => i + 1);
    const list = JSON.stringify([at]);
    const found = [[{ name: 'a', address: at }], { command: ['printf', '%s', list] }, { dns: '127.0.0.1', port }];
    configure(
      numbers.map((n) => ({
        name: `verifier-${n}`,
        role: 'verifier',
        instances: found[n % found.length],
        reload:
          n % 2 === 0
            ? { http: `http://{address}/reload/${n}` }
            : { command: [process.execPath, '-e', `fetch("http://{address}/reload/${n}")`] },
        health: { url: `http://{address}/healthz/${n}`, deadline: '30s' },
      })),
    );
    // With it, and with it alone, Node's warnings are shown.
    const { code, stderr } = await world.run(['rotate', '--debug', '--verbose']);
    expect({ code, confirmed: confirmedIn(stderr) }).toEqual({ code: 0, confirmed: count });
    expect(stderr).not.toMatch(/warning/i);
  });

  it('keeps to itself what Node warns of, but with --debug', async () => {
    await start({ count: 1, slowest: 0 });
    configure([]);
    const warning = world.path('warning.cjs');
    writeFileSync(warning, "setTimeout(() => process.emitWarning('of the program'), 100);");
    const env = { NODE_OPTIONS: `--require ${warning}` };
    expect((await world.run(['rotate'], { env })).stderr).not.toContain('of the program');
    expect((await world.run(['rotate', '--debug'], { env })).stderr).toContain('Warning: of the program');
  });
});
