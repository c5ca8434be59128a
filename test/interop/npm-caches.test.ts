import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jwksOf, newKey } from '../keyring/support.js';

// What the pages say of these two, so that a later version that does otherwise is noticed.
const require = createRequire(new URL('./npm/', import.meta.url));

type Key = Awaited<ReturnType<typeof newKey>>;
let server: Server;
let published: Key[];
let fetches: number;
const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

beforeEach(async () => {
  fetches = 0;
  server = createServer((_, response) => {
    fetches += 1;
    response.end(jwksOf(...published));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe('get-jwks', () => {
  it('goes on with a key that is no longer published, for as long as it is asked for it', async () => {
    const [kept, retired] = [await newKey(), await newKey()];
    published = [kept, retired];
    const ttl = 1500;
    const keys = require('get-jwks')({ ttl });
    const get = () => keys.getJwk({ domain: origin(), alg: 'ES256', kid: retired.kid });
    expect(await get()).toMatchObject({ kid: retired.kid });
    published = [kept];
    // Both caches' time is over.
    for (const end = Date.now() + 3 * ttl; Date.now() < end; await wait(100))
      expect(await get()).toMatchObject({ kid: retired.kid });
    expect(fetches).toBeGreaterThan(1);
    keys.cache.clear();
    keys.staleCache.clear();
    await expect(get()).rejects.toMatchObject({ code: 'JWK_NOT_FOUND' });
  });
});

describe('jwks-rsa', () => {
  it('with rateLimit finds no new key when strangers have used the fetches up', async () => {
    const [first, second] = [await newKey(), await newKey()];
    published = [first, second];
    const client = require('jwks-rsa')({ jwksUri: origin(), rateLimit: true });
    expect(await client.getSigningKey(first.kid)).toMatchObject({ kid: first.kid });
    for (let i = 0; i < 9; i += 1)
      await expect(client.getSigningKey(`invented-${i}`)).rejects.toThrow('Unable to find');
    await expect(client.getSigningKey(second.kid)).rejects.toMatchObject({ name: 'JwksRateLimitError' });
    expect(fetches).toBe(10);
  });

  it('without it fetches for each unknown kid', async () => {
    published = [await newKey()];
    const client = require('jwks-rsa')({ jwksUri: origin() });
    for (let i = 0; i < 20; i += 1) await expect(client.getSigningKey(`invented-${i}`)).rejects.toThrow();
    expect(fetches).toBe(20);
  });
});
