import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type HttpRequest, requestOnce } from '../../src/outside/http.js';
import { NO_TLS_FILES } from '../../src/outside/tls.js';

const folder = mkdtempSync(join(tmpdir(), 'jwtrot-http-'));
const tlsFile = (name: string) => join(import.meta.dirname, '../fixtures/tls', name);
const CA = tlsFile('ca.pem');
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ask = (url: string, more: Partial<HttpRequest> = {}) =>
  requestOnce({ url, method: 'GET', timeout: 5_000, signal: new AbortController().signal, ...more });

async function listen(server: Server | ReturnType<typeof createTcpServer>, on?: string): Promise<string> {
  await new Promise<void>((resolve) =>
    on === undefined ? server.listen(0, '127.0.0.1', resolve) : server.listen(on, resolve),
  );
  closing.push(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return on ?? `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const serve = async (listener: RequestListener) => `http://${await listen(createServer(listener))}/healthz`;

/** A server that speaks raw bytes. */
async function raw(talk: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    talk(socket);
  });
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  return `http://${await listen(server)}/`;
}

async function reasonOf(answer: ReturnType<typeof requestOnce>): Promise<string> {
  const result = await answer;
  return result.ok ? 'ok' : result.reason;
}

describe('a request that is answered', () => {
  it('hands back body and cache control', async () => {
    const url = await serve((_request, response) =>
      response
        .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=60', age: '7' })
        .end('{"kid":"a"}'),
    );
    const answer = await ask(url);
    expect(answer).toMatchObject({
      ok: true,
      cacheControl: 'max-age=60',
      age: '7',
    });
    expect(answer.ok && Buffer.from(answer.body).toString()).toBe('{"kid":"a"}');
  });

  it('goes over a new connection each time, past caches, and leaves none open', async () => {
    const ports = new Set<number | undefined>();
    const caching: unknown[] = [];
    let open = 0;
    const server = createServer((request, response) => {
      ports.add(request.socket.remotePort);
      caching.push(request.headers['cache-control']);
      response.end('{}');
    });
    server.on('connection', (socket) => {
      open += 1;
      socket.on('close', () => {
        open -= 1;
      });
    });
    const url = `http://${await listen(server)}/`;
    for (let i = 0; i < 5; i++) expect(await ask(url)).toMatchObject({ ok: true });
    expect(ports.size).toBe(5);
    expect(caching).toEqual(Array(5).fill('no-cache'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(open).toBe(0);
  });

  it('may be a POST with headers from a file', async () => {
    const file = join(folder, 'token');
    writeFileSync(file, 'Bearer abc\n');
    let seen = '';
    const url = await serve((request, response) => {
      request.resume().on('end', () => {
        seen = `${request.method} ${request.headers.authorization} ${request.headers['x-a']}`;
        response.writeHead(204).end();
      });
    });
    const headers = { Authorization: { file }, 'X-A': { value: 'b' } };
    expect(await ask(url, { method: 'POST', headers })).toMatchObject({ ok: true });
    expect(seen).toBe('POST Bearer abc b');
  });

  it('works over a unix socket', async () => {
    const path = join(folder, 'app.sock');
    await listen(
      createServer((request, response) => response.end(request.url)),
      path,
    );
    const answer = await ask(`unix:${path}:/healthz?full=1`);
    expect(answer.ok && Buffer.from(answer.body).toString()).toBe('/healthz?full=1');
    expect(await reasonOf(ask(`unix:${path}`))).toBe('ok');
    expect(await reasonOf(ask(`unix:${folder}/none.sock:/`))).toBe('no such socket');
  });
});

describe('a request that is not answered well', () => {
  it('is a reason when nobody listens', async () => {
    const server = createServer();
    const address = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await reasonOf(ask(`http://${address}/`))).toBe('connection refused');
    expect(await reasonOf(ask('http://jwtrot.invalid/'))).toMatch(/^host name not found$|name server/);
  });

  it.each([
    ['accepts and says nothing', () => {}],
    ['drips its headers', (socket: Socket) => void drip(socket, 'HTTP/1.1 200 OK\r\nx: ', 'y')],
    ['drips its body', (socket: Socket) => void drip(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n', 'y')],
    ['stops in the middle', (socket: Socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{')],
  ])('is given up at the time limit when the server %s', async (_what, talk) => {
    const url = await raw(talk);
    const started = performance.now();
    expect(await reasonOf(ask(url, { timeout: 300 }))).toBe('no answer within 300ms');
    expect(performance.now() - started).toBeLessThan(1_500);
  });

  it('is given up at the time limit when the TLS handshake hangs, and its connection is closed', async () => {
    let closed = false;
    const url = await raw((socket) =>
      socket
        .on('close', () => {
          closed = true;
        })
        .resume(),
    );
    expect(await reasonOf(ask(url.replace('http:', 'https:'), { timeout: 200 }))).toBe('no answer within 200ms');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(closed).toBe(true);
  });

  it('is interrupted at once', async () => {
    const controller = new AbortController();
    const url = await raw(() => {});
    setTimeout(() => controller.abort(), 100);
    const started = performance.now();
    expect(await reasonOf(ask(url, { signal: controller.signal }))).toBe('interrupted');
    expect(performance.now() - started).toBeLessThan(1_500);
  });

  it('is only a reason for every status but 2xx', async () => {
    for (const status of [304, 400, 404, 500, 503]) {
      const url = await serve((_request, response) =>
        response.writeHead(status).end(status === 304 ? '' : '{"kid":"a"}'),
      );
      expect(await reasonOf(ask(url))).toBe(`HTTP ${status}`);
    }
  });

  it('is not redirected', async () => {
    let asked = 0;
    const target = await serve((_request, response) => {
      asked += 1;
      response.end('{}');
    });
    const url = await serve((_request, response) => response.writeHead(302, { location: target }).end());
    expect(await reasonOf(ask(url))).toBe(`redirect to ${JSON.stringify(target)}`);
    expect(asked).toBe(0);
  });

  it('is cut off when its body is endless', async () => {
    let sent = 0;
    const url = await serve((_request, response) => {
      const write = () => {
        while (!response.destroyed && response.write('x'.repeat(16_384))) sent += 16_384;
      };
      response.on('drain', write);
      write();
    });
    expect(await reasonOf(ask(url))).toBe('body longer than 64 KiB');
    expect(sent).toBeLessThan(50_000_000);
  });

  it('takes a body of exactly the limit and no byte more', async () => {
    const url = await serve((request, response) => response.end('x'.repeat(Number(request.url?.slice(1)))));
    const base = url.replace('/healthz', '');
    expect(await reasonOf(ask(`${base}/2048`, { maxBytes: 2048 }))).toBe('ok');
    expect(await reasonOf(ask(`${base}/2049`, { maxBytes: 2048 }))).toBe('body longer than 2 KiB');
  });

  it('shows nothing raw of what is not HTTP', async () => {
    const url = await raw((socket) => void socket.end('\u001b[2JSSH-2.0-OpenSSH\r\n'));
    expect(await reasonOf(ask(url))).toMatch(/^not HTTP: "[\x20-\x7e]*"$/);
    const closing = await raw((socket) => void socket.end());
    expect(await reasonOf(ask(closing))).toBe('connection closed before the answer was complete');
    const half = await raw((socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"kid":'));
    expect(await reasonOf(ask(half))).toBe('connection closed before the answer was complete');
  });

  it('sends a body from a file, as a form unless a header says what it is', async () => {
    const file = join(folder, 'body');
    writeFileSync(file, 'user=a&password=ü', { mode: 0o600 });
    const seen: string[] = [];
    const url = await serve(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      seen.push(`${request.method} ${request.headers['content-type']} ${Buffer.concat(chunks)}`);
      response.end('{}');
    });
    const more = { method: 'POST', body: { file } } as const;
    expect(await ask(url, more)).toMatchObject({ ok: true });
    expect(await ask(url, { ...more, headers: { 'Content-Type': { value: 'text/plain' } } })).toMatchObject({
      ok: true,
    });
    expect(seen).toEqual([
      'POST application/x-www-form-urlencoded user=a&password=ü',
      'POST text/plain user=a&password=ü',
    ]);
  });

  it('takes a body from nobody else, and sends it to no metadata address that a program named', async () => {
    const file = join(folder, 'anybody');
    writeFileSync(file, 'secret', { mode: 0o600 });
    chmodSync(file, 0o666);
    const asked = { method: 'POST', body: { file } } as const;
    expect(await reasonOf(ask('http://127.0.0.1:1/', asked))).toMatch(/^body: cannot read "\/.*anybody": .*others/);
    chmodSync(file, 0o600);
    expect(await reasonOf(ask('http://169.254.169.254/', { ...asked, isFound: true }))).toMatch(/no secret goes there/);
  });

  it('does not say where a redirect leads, if the answer may be secret', async () => {
    const url = await serve((_, response) => response.writeHead(302, { location: '/#token=secret' }).end());
    expect(await reasonOf(ask(url))).toBe('redirect to "/#token=secret"');
    expect(await reasonOf(ask(url, { isUnquoted: true }))).toBe('redirect');
  });

  it('never shows a header value', async () => {
    const missing = join(folder, 'missing');
    const bad = await reasonOf(ask('http://127.0.0.1:1/', { headers: { authorization: { value: 'sec\nret' } } }));
    expect(bad).toBe('header "authorization": its value holds characters that no header may');
    expect(await reasonOf(ask('http://127.0.0.1:1/', { headers: { authorization: { file: missing } } }))).toBe(
      `header "authorization": cannot read "${missing}": no such file`,
    );
  });

  it('reads a header and TLS files from regular files alone, which are ours or root’s and no links', async () => {
    const at = (name: string) => join(folder, name);
    execFileSync('mkfifo', [at('fifo')]);
    writeFileSync(at('token'), 'secret');
    symlinkSync('token', at('link'));
    writeFileSync(at('open'), 'secret');
    chmodSync(at('open'), 0o666);
    const places: [string, RegExp][] = [
      [at('fifo'), /: it is a FIFO, not a regular file$/],
      [folder, /: it is a directory, not a regular file$/],
      ['/dev/zero', /: it is a device, not a regular file$/],
      ['/proc/self/environ', /: it lies in procfs/],
      [at('link'), new RegExp(`: it is a symbolic link: configure the file that it leads to, "${at('token')}"`)],
      [at('open'), /: its mode 0666 lets others write it$/],
    ];
    if (process.getuid?.() === 0) {
      writeFileSync(at('foreign'), 'secret');
      chownSync(at('foreign'), 4711, 4711);
      places.push([at('foreign'), /: it belongs to user 4711, not to root$/]);
    }
    for (const [file, reason] of places) {
      expect(await reasonOf(ask('http://127.0.0.1:1/', { headers: { a: { file } } }))).toMatch(reason);
      for (const tls of [
        { ...NO_TLS_FILES, ca: file },
        { ca: CA, cert: CA, key: file },
      ]) {
        const said = await reasonOf(ask('https://127.0.0.1:1/', { tls }));
        expect(said.replace(/, or a copy if .*$/, '')).toMatch(reason);
      }
    }
    const certbot = await reasonOf(ask('https://127.0.0.1:1/', { tls: { ...NO_TLS_FILES, ca: at('link') } }));
    expect(certbot).toMatch(/, or a copy if that name changes with each renewal \(certbot\)$/);
  });

  it.each(['ftp://host/', 'http://user:word@host/', 'http://', 'unix:relative:/', 'nonsense', 'http://a b/'])(
    'is not made to %s',
    async (url) => {
      expect(await reasonOf(ask(url))).toBe('not a URL that can be asked');
    },
  );
});

describe('a request over TLS', () => {
  const material = { cert: readFileSync(tlsFile('server.pem')), key: readFileSync(tlsFile('server.key')) };
  const ca = { ca: CA, cert: null, key: null };
  const secure = async (options: object = {}) => {
    const server = createTlsServer({ ...material, ...options }, (_request, response) => response.end('{}'));
    return listen(server);
  };

  it('trusts the given CA, by address and by name', async () => {
    const address = await secure();
    expect(await reasonOf(ask(`https://${address}/`, { tls: ca }))).toBe('ok');
    expect(await reasonOf(ask(`https://${address.replace('127.0.0.1', 'localhost')}/`, { tls: ca }))).toBe('ok');
  });

  it('says what is wrong with a certificate that it does not trust', async () => {
    const address = await secure();
    // Newer Node versions add what to try.
    expect(await reasonOf(ask(`https://${address}/`))).toMatch(/^certificate: "unable to verify the first certificate/);
  });

  it('refuses a certificate of another name', async () => {
    const server = createTlsServer(material, (_request, response) => response.end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.2', resolve));
    closing.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    expect(await reasonOf(ask(`https://127.0.0.2:${port}/`, { tls: ca }))).toMatch(/^certificate: ".*127\.0\.0\.2/);
  });

  it('shows a client certificate, read when it is used', async () => {
    const address = await secure({ ca: readFileSync(CA), requestCert: true, rejectUnauthorized: true });
    const withClient = { ca: CA, cert: tlsFile('client.pem'), key: tlsFile('client.key') };
    expect(await reasonOf(ask(`https://${address}/`, { tls: withClient }))).toBe('ok');
    expect(await reasonOf(ask(`https://${address}/`, { tls: ca }))).toMatch(/^certificate: |^connection closed/);
    const absent = { ...withClient, key: '/nowhere/client.key' };
    expect(await reasonOf(ask(`https://${address}/`, { tls: absent }))).toBe(
      'tls.key: cannot read "/nowhere/client.key": no such file',
    );
    const broken = { ...withClient, key: CA };
    expect(await reasonOf(ask(`https://${address}/`, { tls: broken }))).toMatch(/^TLS: |^certificate: |^"/);
  });
});

function drip(socket: Socket, first: string, more: string): void {
  socket.write(first);
  const timer = setInterval(() => socket.write(more), 20);
  socket.on('close', () => clearInterval(timer));
}
