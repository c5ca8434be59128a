import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { jwksOf, newKey } from '../keyring/support.js';
import { type KeyringService, kill, startService } from './keyring.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
const read = (name: string) => readFileSync(fixture(name));

let answered = 0;
let text = '';
let kid = '';
const server = createServer({ key: read('server.key'), cert: read('server.pem') }, (_request, response) => {
  answered += 1;
  response.end(text);
});
const services: KeyringService[] = [];
beforeAll(async () => {
  const key = await newKey();
  [text, kid] = [jwksOf(key), key.kid];
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  services.splice(0).forEach(kill);
});
afterAll(() => {
  server.close();
});

async function start(env: Record<string, string>): Promise<KeyringService> {
  const jwks = `https://localhost:${(server.address() as AddressInfo).port}/jwks.json`;
  const service = await startService({ keyset: 'api', role: 'verifier', from: { jwks } }, env);
  services.push(service);
  return service;
}

it('a JWKS is read from a server whose certificate is trusted', async () => {
  const service = await start({ NODE_EXTRA_CA_CERTS: fixture('ca.pem') });
  expect(await service.health()).toMatchObject({ kids: [kid], error: null });
  expect(answered).toBe(1);
});

it('and from no other, whatever NODE_TLS_REJECT_UNAUTHORIZED says', async () => {
  const before = answered;
  const service = await start({ NODE_TLS_REJECT_UNAUTHORIZED: '0' });
  expect(await service.health()).toMatchObject({ kids: [], error: expect.stringContaining('certificate') });
  expect(answered).toBe(before);
});
