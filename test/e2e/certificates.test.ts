import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { World } from './world.js';

const FIXTURES = new URL('../fixtures/tls/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FIXTURES));

it('are checked, whatever NODE_TLS_REJECT_UNAUTHORIZED says', async () => {
  let answered = 0;
  const server = createServer({ key: read('server.key'), cert: read('server.pem') }, (_, response) => {
    answered += 1;
    response.end('{"kids":[]}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const world = new World();
  try {
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/healthz`;
    world.configure({
      keysets: { api: { maxTokenTtl: '1h', services: [{ name: 'gateway', role: 'verifier', health: { url } }] } },
    });
    const { stdout, stderr } = await world.run(['status', '--probe'], { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
    expect(stdout + stderr).toMatch(/certificate/);
    expect(answered).toBe(0);
  } finally {
    server.close();
    await world.close();
  }
});
