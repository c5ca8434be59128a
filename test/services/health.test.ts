import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { JsonHealth } from '../../src/services/health-kinds.js';
import { createServicePort } from '../../src/services/port.js';
import type { Instance } from '../../src/services/service.js';
import { aService, healthAt, jwksAt, never, ONE } from './services.js';

const folder = mkdtempSync(join(tmpdir(), 'jwtrot-health-'));
const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
  rmSync(folder, { recursive: true, force: true });
});

async function serve(listener: RequestListener, on?: string): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => (on ? server.listen(on, resolve) : server.listen(0, '127.0.0.1', resolve)));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return on ?? `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

type More = Partial<JsonHealth> | { readonly type: 'jwks' };

function poll(url: string, more: More = {}, instance: Instance = ONE) {
  const health = more.type === 'jwks' ? jwksAt(url) : healthAt(url, more);
  const port = createServicePort(aService({ health }), { env: {}, uid: 1000 });
  return port.probe(instance, never());
}

/** What an instance is said to report when it answers with this body. */
async function reported(body: unknown, more: More = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const address = await serve((_request, response) => response.end(text));
  return poll(`http://${address}/healthz`, more);
}

describe('the answer of a service', () => {
  it('holds the signing kid and the accepted kids, at pointers', async () => {
    expect(await reported({ kid: 'a', kids: ['a', 'b'] })).toEqual({
      ok: true,
      kid: 'a',
      kids: ['a', 'b'],
      worker: null,
    });
    const nested = { jwt: { 'a/b': [{ kid: 'x' }], ok: ['x'] } };
    const pointers = { kid: '/jwt/a~1b/0/kid', kids: '/jwt/ok' };
    expect(await reported(nested, pointers)).toEqual({ ok: true, kid: 'x', kids: ['x'], worker: null });
  });

  it('may lack the one or the other', async () => {
    expect(await reported({ kid: 'a' })).toEqual({ ok: true, kid: 'a', kids: null, worker: null });
    expect(await reported({ kid: null, kids: [] })).toEqual({ ok: true, kid: null, kids: [], worker: null });
    expect(await reported('[]')).toEqual({ ok: true, kid: null, kids: null, worker: null });
    expect(await reported('null')).toEqual({ ok: true, kid: null, kids: null, worker: null });
  });

  it('may say which keys are in its memory, in a list like any other', async () => {
    const preloaded = { preloaded: '/jwt/preloaded' };
    const answer = { kid: 'a', jwt: { preloaded: ['a', 'b'] } };
    expect(await reported(answer, preloaded)).toMatchObject({ ok: true, kid: 'a', preloaded: ['a', 'b'] });
    expect(await reported({ kid: 'a' }, preloaded)).toMatchObject({ ok: true, preloaded: null });
    expect(await reported({ kid: 'a', jwt: { preloaded: 'b' } }, preloaded)).toEqual({
      ok: false,
      reason: 'what is at "/jwt/preloaded" is not an array of at most 1000 strings: "\\"b\\""',
    });
    expect(await reported({ kid: 'a', preloaded: ['b'] })).not.toHaveProperty('preloaded');
  });

  it('says which worker gave it', async () => {
    const distinct = { distinct: { pointer: '/worker', count: 2 } };
    expect(await reported({ kid: 'a', worker: 4711 }, distinct)).toMatchObject({ ok: true, worker: '4711' });
    expect(await reported({ kid: 'a', worker: 'w-1' }, distinct)).toMatchObject({ ok: true, worker: 'w-1' });
    expect(await reported({ kid: 'a', worker: {} }, distinct)).toMatchObject({ ok: true, worker: null });
    expect(await reported({ kid: 'a' }, distinct)).toMatchObject({ ok: true, worker: null });
  });

  it('may be the JWK Set that a verifier checks tokens with', async () => {
    const jwks = { keys: [{ kid: 'a', kty: 'RSA' }, { kty: 'EC' }, { kid: 'b' }] };
    expect(await reported(jwks, { type: 'jwks' })).toEqual({ ok: true, kid: null, kids: ['a', 'b'], worker: null });
    expect(await reported({ keys: [] }, { type: 'jwks' })).toEqual({ ok: true, kid: null, kids: [], worker: null });
    expect(await reported({ kids: ['a'] }, { type: 'jwks' })).toEqual({
      ok: false,
      reason: 'the answer is not a JWK Set: it has no array "keys": "{\\"kids\\":[\\"a\\"]}"',
    });
    expect(await reported({ keys: [{ kid: 5 }] }, { type: 'jwks' })).toMatchObject({ ok: false });
  });
});

describe('an answer that is none', () => {
  it.each<[string, unknown, string]>([
    ['HTML', '<!doctype html>\n<html>', 'not JSON: "<!doctype html>\\n<html>"'],
    ['half a document', '{"kid":"a","kids":["a"', 'not JSON: "{\\"kid\\":\\"a\\",\\"kids\\":[\\"a\\""'],
    ['nothing', '', 'an empty body'],
    ['escape codes', '\u001b]0;owned\u0007\u009b2J', 'not JSON: "\\u001b]0;owned\\u0007\\u009b2J"'],
    [
      'a kid that only a prototype has',
      '{"__proto__":{"kid":"a"},"kid":{}}',
      'what is at "/kid" is not a string: "{}"',
    ],
    ['a number as kid', { kid: 5 }, 'what is at "/kid" is not a string: "5"'],
    ['a text as kids', { kids: 'a' }, 'what is at "/kids" is not an array of at most 1000 strings: "\\"a\\""'],
    [
      'numbers as kids',
      { kids: ['a', 1] },
      'what is at "/kids" is not an array of at most 1000 strings: "[\\"a\\",1]"',
    ],
  ])('is a reason: %s', async (_what, body, reason) => {
    expect(await reported(body)).toEqual({ ok: false, reason });
  });

  it.each([
    ['deep nesting', '['.repeat(60_000)],
    ['deep nesting that is closed', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
    ['deep nesting as kid', `{"kid":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
    ['too many kids', { kids: Array(1_001).fill('a') }],
    ['a long kid of a wrong type', { kid: { long: 'x'.repeat(50_000) } }],
  ])('is short and harmless: %s', async (_what, body) => {
    const report = await reported(body);
    if (report.ok) expect(report).toEqual({ ok: true, kid: null, kids: null, worker: null });
    else expect(report.reason.length).toBeLessThan(300);
  });

  it('is every status but 2xx, a redirect, an endless body, a refused connection', async () => {
    const down = await serve((_request, response) => response.writeHead(503).end('{"kid":"a"}'));
    expect(await poll(`http://${down}/`)).toEqual({ ok: false, reason: 'HTTP 503' });
    for (const [error, said] of [
      ['no key yet\n\u001b[2J', ': "no key yet\\n\\u001b[2J"'],
      [5, ''],
      ['', ''],
    ]) {
      const why = await serve((_request, response) => response.writeHead(503).end(JSON.stringify({ error })));
      expect(await poll(`http://${why}/`)).toEqual({ ok: false, reason: `HTTP 503${said}` });
    }
    const long = await serve((_request, response) =>
      response.writeHead(503).end(JSON.stringify({ error: 'x'.repeat(9_000) })),
    );
    expect(await poll(`http://${long}/`)).toMatchObject({ reason: expect.stringMatching(/^HTTP 503: "x{195}…"$/) });
    const moved = await serve((_request, response) =>
      response.writeHead(302, { location: '/login' }).end('{"kid":"a"}'),
    );
    expect(await poll(`http://${moved}/`)).toEqual({ ok: false, reason: 'redirect to "/login"' });
    const endless = await serve((_request, response) => {
      const write = () => {
        while (!response.destroyed && response.write(' '.repeat(16_384)));
      };
      response.on('drain', write);
      write();
    });
    expect(await poll(`http://${endless}/`)).toEqual({ ok: false, reason: 'body longer than 64 KiB' });
    expect(await poll('http://127.0.0.1:1/')).toEqual({ ok: false, reason: 'connection refused' });
  });

  it('is one that does not come in time', async () => {
    const address = await serve(() => {});
    expect(await poll(`http://${address}/`, { timeout: 200 })).toEqual({ ok: false, reason: 'no answer within 200ms' });
  });
});

describe('the URL that is asked', () => {
  it('has name and address filled in', async () => {
    const address = await serve((request, response) => response.end(JSON.stringify({ kid: request.url })));
    const report = await poll('http://{address}/health/{name}?of={name}', {}, { name: 'a:1', address });
    expect(report).toMatchObject({ ok: true, kid: '/health/a%3A1?of=a%3A1' });
    expect(await poll('http://{address}/', {}, ONE)).toEqual({
      ok: false,
      reason: 'instance "api" has no address to fill in',
    });
  });

  it('may be a unix socket for each instance', async () => {
    const path = await serve((_request, response) => response.end('{"kid":"a"}'), join(folder, 'a.sock'));
    expect(
      await poll(`unix:${path.replace('a.sock', '{name}.sock')}:/healthz`, {}, { name: 'a', address: null }),
    ).toMatchObject({
      ok: true,
      kid: 'a',
    });
  });

  it('gets the configured headers', async () => {
    const address = await serve((request, response) =>
      response.end(JSON.stringify({ kid: `${request.headers['x-probe']} ${request.headers.accept}` })),
    );
    expect(await poll(`http://${address}/`, { headers: { 'X-Probe': { value: 'yes' } } })).toMatchObject({
      kid: 'yes application/json',
    });
  });
});
