import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Service } from '../../src/demo/services.js';
import { Traffic } from '../../src/demo/traffic.js';
import { until } from '../e2e/world.js';
import { realClock } from '../services/services.js';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A service that answers as it is told. */
async function service(name: string, kids: readonly string[], answer: () => [status: number, body: string]) {
  const server = createServer((request, response) => {
    request.resume();
    const [status, body] = answer();
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const keyring = { health: () => ({ kids }) } as unknown as Service['keyring'];
  return { name, address: `127.0.0.1:${(server.address() as AddressInfo).port}`, keyring, close: async () => {} };
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (kid: string) => `${part({ kid })}.${part({ exp: Math.floor(Date.now() / 1000) + 4 })}.signature`;
const minting = (kid: string) => (): [number, string] => [200, JSON.stringify({ token: token(kid) })];

describe('the traffic of a demonstration', () => {
  it('counts each token that a verifier refuses, and says why', async () => {
    const issuer = await service('issuer', [], minting('a'));
    const good = await service('good', ['a', 'b'], () => [200, '{}']);
    const bad = await service('bad', ['a'], () => [401, 'never heard of it']);
    const traffic = new Traffic([issuer], [good, bad], realClock);
    traffic.start();
    await until(() => traffic.sums().rejected > 3, 'rejections are counted');
    const { tokens, checks, rejected } = await traffic.stop();
    expect(tokens).toBeGreaterThan(3);
    expect(checks).toBeGreaterThanOrEqual(2 * tokens);
    expect(rejected).toBeLessThan(checks);
    expect([...traffic.reasons]).toEqual(['bad answered 401: never heard of it']);
    expect(traffic.slices.every(({ accepted }) => accepted.join() === 'a')).toBe(true);
    expect(traffic.kids).toEqual(['a']);
  });

  it('goes to the other issuer where one is down, as a load balancer does', async () => {
    const down = await service('down', [], () => [503, '{}']);
    const up = await service('up', [], minting('b'));
    const verifier = await service('verifier', ['b'], () => [200, '{}']);
    const traffic = new Traffic([down, up], [verifier], realClock);
    traffic.start();
    await until(() => traffic.sums().tokens > 3, 'tokens are made');
    expect((await traffic.stop()).rejected).toBe(0);
    expect(traffic.kids).toEqual(['b']);
  });

  it('presents no token of a key that has leaked', async () => {
    const issuer = await service('issuer', [], minting('a'));
    let presented = 0;
    const verifier = await service('verifier', [], () => {
      presented += 1;
      return [401, ''];
    });
    const traffic = new Traffic([issuer], [verifier], realClock);
    traffic.leaked('a');
    traffic.start();
    await until(() => presented > 3, 'tokens are made');
    const { checks, rejected } = await traffic.stop();
    expect({ checks, rejected }).toEqual({ checks: 0, rejected: 0 });
  });
});
