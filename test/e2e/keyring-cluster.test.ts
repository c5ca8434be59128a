import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { KeyringOptions } from '../../src/keyring/public.js';
import type { RotateDocument } from './fixtures.js';
import { withFiles } from './keyring.js';
import { World } from './world.js';

const CLUSTER = fileURLToPath(new URL('keyring-cluster.js', import.meta.url));
const WORKERS = 3;

let world: World;
let primary: ChildProcess | null = null;
beforeEach(() => {
  world = new World();
});
afterEach(async () => {
  // The primary ends its workers: they notice that it is gone.
  primary?.kill('SIGKILL');
  await world.close();
});

async function start(options: KeyringOptions): Promise<number> {
  const child = spawn(process.execPath, [CLUSTER, JSON.stringify({ workers: WORKERS, options })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  primary = child;
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', (chunk) => resolve(Number(String(chunk))));
    child.once('exit', () => reject(new Error('the cluster ended before it listened')));
  });
}

it('each worker of a cluster sees a rotation by itself, and jwtrot waits for each of them', async () => {
  const jwks = `${world.folderFor('public')}/jwks.json`;
  const key = `${world.folderFor('private')}/api.jwk`;
  const port = await start({ keyset: 'api', role: 'both', from: { files: { jwks, key } } });
  const url = `http://127.0.0.1:${port}/healthz`;
  const distinct = { pointer: '/worker', count: WORKERS };
  const health = { url, distinct, deadline: '20s', timeout: '1s' };
  world.configure(withFiles(world, { jwks, key }, [{ name: 'api', role: 'both', reload: { none: true }, health }]));
  for (const options of [[], ['--immediate']]) {
    const { code, document } = await world.json<RotateDocument>(['rotate', ...options]);
    expect(code).toBe(0);
    const seen = new Map<number, string>();
    while (seen.size < WORKERS) {
      const answer = (await (await fetch(url)).json()) as { worker: number; kid: string };
      seen.set(answer.worker, answer.kid);
    }
    expect([...seen.values()]).toEqual(Array.from({ length: WORKERS }, () => document.keysets[0]?.active));
  }
});
