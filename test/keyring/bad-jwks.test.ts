import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Keyring } from '../../src/keyring/public.js';
import { ANY, codeOf, jwkOf, jwksOf, newKey, published, type TestKey, World } from './support.js';

const world = new World();
let key: TestKey;
let second: TestKey;
let answer: RequestListener;
let server: Server;
let verifier: Keyring;
let fromUrl: Keyring;
let token: string;

const json =
  (text: string, headers = {}): RequestListener =>
  (_request, response) =>
    response.writeHead(200, headers).end(text);
const setOf = (...keys: unknown[]) => JSON.stringify({ keys });

beforeAll(async () => {
  [key, second] = [await newKey(), await newKey()];
  answer = json(jwksOf(key));
  server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  world.put('jwks.json', jwksOf(key));
  world.put('key.jwk', jwkOf(key));
  token = await (await world.files()).sign({}, { expiresIn: '1h' });
  verifier = await world.files({ role: 'verifier' });
  fromUrl = await world.open({ role: 'verifier', from: { jwks: `http://127.0.0.1:${port}/jwks.json` } });
});
afterAll(async () => {
  await world.end();
  server.closeAllConnections();
  server.close();
});

/** Of the newest read of both; the token is accepted all the same. */
async function refusals(): Promise<(string | undefined)[]> {
  const healths = [await verifier.reload(), await fromUrl.reload()];
  for (const keyring of [verifier, fromUrl]) {
    expect((await keyring.verify(token, ANY)).protectedHeader.kid).toBe(key.kid);
    expect(keyring.health()).toMatchObject({ kids: [key.kid], status: 200 });
  }
  return healths.map(({ error }) => error?.split(':')[0]);
}

describe('a set that is refused as a whole, by a code, while the former one is kept', () => {
  const cases: [string, () => string, string][] = [
    ['two keys with one kid', () => setOf(published(key), { ...published(second), kid: key.kid }), 'duplicate-kid'],
    ['one key twice', () => setOf(published(key), published(key)), 'duplicate-kid'],
    ['a private member', () => setOf(JSON.parse(jwkOf(second))), 'private-member'],
    ['a symmetric key', () => setOf({ kty: 'oct', k: 'AAAA', kid: 'x', alg: 'HS256' }), 'private-member'],
    ['a key for encryption', () => setOf(published(key), { ...published(second), use: 'enc' }), 'wrong-use'],
    ['a key that only signs', () => setOf({ ...published(second), key_ops: ['sign'] }), 'wrong-use'],
    ['no kid', () => setOf({ ...published(second), kid: undefined }), 'jwk-without-kid'],
    ['an empty kid', () => setOf({ ...published(second), kid: '' }), 'jwk-without-kid'],
    ['no alg, and none was named', () => setOf({ ...published(second), alg: undefined }), 'alg-missing'],
    ['an alg of another type of key', () => setOf({ ...published(second), alg: 'RS256' }), 'bad-key'],
    ['a point off its curve', () => setOf({ ...published(second), x: 'AAAA' }), 'bad-key'],
    ['a missing member', () => setOf({ ...published(second), y: undefined }), 'bad-key'],
    ['a number in its place', () => setOf({ ...published(second), y: 7 }), 'bad-key'],
    [
      'an RSA key of 1,024 bits',
      () =>
        setOf({ kty: 'RSA', n: Buffer.alloc(128, 255).toString('base64url'), e: 'AQAB', kid: 'weak', alg: 'RS256' }),
      'bad-key',
    ],
    ['101 keys', () => setOf(...Array.from({ length: 101 }, (_, i) => ({ kid: String(i) }))), 'too-many-keys'],
    ['half of it', () => jwksOf(key).slice(0, -20), 'bad-jwks'],
    ['no object', () => '[]', 'bad-jwks'],
    ['a list of no keys', () => setOf(null), 'bad-jwks'],
    ['a page', () => '<html>', 'bad-jwks'],
    ['nothing', () => '', 'bad-jwks'],
    ['a prototype', () => '{"__proto__":{"keys":[]}}', 'bad-jwks'],
  ];
  it.each(cases)('%s', async (_name, text, code) => {
    world.put('jwks.json', text());
    answer = json(text());
    expect(await refusals()).toEqual([code, code]);
  });

  it('10,000 keys', async () => {
    const text = setOf(...Array.from({ length: 10_000 }, (_, i) => ({ ...published(second), kid: `k${i}` })));
    world.put('jwks.json', text);
    answer = json(text);
    expect(await refusals()).toEqual(['source-unreadable', 'source-unreadable']);
  });
});

describe('an answer that is refused', () => {
  const unreadable = async (listener: RequestListener) => {
    world.put('jwks.json', jwksOf(key));
    answer = listener;
    expect(await refusals()).toEqual([undefined, 'source-unreadable']);
    return fromUrl.health().error;
  };

  it('a redirect, which is not followed', async () => {
    let followed = 0;
    const error = await unreadable((request, response) => {
      if (request.url === '/other') followed += 1;
      response.writeHead(302, { location: '/other' }).end();
    });
    expect([error, followed]).toEqual([expect.stringContaining('redirect to "/other"'), 0]);
  });

  it('a body of 10 GB, of which little is read', async () => {
    let sent = 0;
    await unreadable((_request, response) => {
      response.writeHead(200, { 'content-length': '10000000000' });
      const chunk = Buffer.alloc(64 * 1024, ' ');
      const more = () => {
        if (response.destroyed) return;
        sent += chunk.length;
        response.write(chunk, more);
      };
      more();
    });
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  it.each([401, 404, 429, 500, 503])('status %i', async (status) => {
    expect(await unreadable((_request, response) => response.writeHead(status).end(jwksOf(second)))).toContain(
      `HTTP ${status}`,
    );
  });

  it('no answer at all', async () => {
    await unreadable((request) => request.socket.destroy());
  });

  it('one from a cache that is older than what may be trusted', async () => {
    answer = json(jwksOf(second), { age: '3600' });
    expect(await refusals()).toEqual([undefined, 'old-answer']);
  });

  it('one from a cache that is older than the set that is held', async () => {
    answer = json(jwksOf(second), { age: '60' });
    expect(await refusals()).toEqual([undefined, 'old-answer']);
  });

  it.each(['7200, 3', '7200,', '99999999999', '9'.repeat(30), '7200.0', '-1', 'soon', '', ', 3'])(
    'one whose Age is %j',
    async (age) => {
      answer = json(jwksOf(second), { age });
      expect(await refusals()).toEqual([undefined, 'old-answer']);
    },
  );
});

describe('a set that is taken', () => {
  it('without the keys of a kind that this version does not know', async () => {
    const strange = [
      { kty: 'AKP', kid: 'p', alg: 'ML-DSA-44', pub: 'AAAA' },
      { ...published(second), kid: 'q', alg: 'ES999' },
    ];
    world.put('jwks.json', setOf(...strange, published(key)));
    expect(await verifier.reload()).toMatchObject({ kids: [key.kid], error: null });
  });

  it("without an identity provider's keys for encryption, which may lack a kid", async () => {
    const others = [
      { ...published(second), kid: 'e', use: 'enc', alg: 'ECDH-ES' },
      { ...published(second), kid: undefined, use: 'enc', alg: 'ECDH-ES+A256KW' },
    ];
    world.put('jwks.json', setOf(...others, published(key)));
    expect(await verifier.reload()).toMatchObject({ kids: [key.kid], error: null });
    world.put('jwks.json', setOf({ ...JSON.parse(jwkOf(second)), use: 'enc', alg: 'ECDH-ES' }, published(key)));
    expect((await verifier.reload()).error).toMatch(/^private-member/);
  });

  it('without alg, if the accepted ones are named: then the key is pinned to those that fit it', async () => {
    world.put('jwks.json', setOf({ ...published(key), alg: undefined }));
    const lenient = await world.files({ role: 'verifier', algorithms: ['ES256', 'RS256'] });
    expect((await lenient.verify(token, ANY)).protectedHeader.alg).toBe('ES256');
    const strict = await world.files({ role: 'verifier', algorithms: ['RS256'] });
    expect(strict.health().kids).toEqual([]);
    expect(await codeOf(strict.verify(token, ANY))).toBe('unknown-kid');
  });

  it('by the first member of its Age', async () => {
    world.put('jwks.json', jwksOf(key));
    answer = json(jwksOf(key), { age: '0, 7200' });
    expect(await refusals()).toEqual([undefined, undefined]);
  });

  it('also if it is empty: an incident can end all of them', async () => {
    world.put('jwks.json', '{"keys":[]}');
    expect(await verifier.reload()).toMatchObject({ kids: [], error: null, status: 200 });
    expect(await codeOf(verifier.verify(token, ANY))).toBe('unknown-kid');
  });
});
