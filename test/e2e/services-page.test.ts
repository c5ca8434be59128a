import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { KeyringErrorCode } from '../../src/keyring/keyring-error.js';
import { jwkOf, jwksOf, newKey } from '../keyring/support.js';
import { freePort } from './world.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = readFileSync(join(ROOT, 'docs/services.md'), 'utf8');
const BLOCKS = [...PAGE.matchAll(/^```js\n([\s\S]*?)^```/gm)].map(([, code = '']) => code);
const [OPEN = '', USE = '', ...SERVERS] = BLOCKS;
const README = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/^```js\n([\s\S]*?)^```/gm)];

const folder = mkdtempSync(join(tmpdir(), 'jwtrot-page-'));
const started: ChildProcess[] = [];
let kid = '';
let jwks = '';

/** Just what the page uses of each, answered as the real one does. */
const FRAMEWORKS: Record<string, string> = {
  express: `import { createServer } from 'node:http';
    export default () => {
      const routes = new Map();
      const answer = (response) => ({
        status(code) { response.statusCode = code; return this; },
        json(body) { response.setHeader('content-type', 'application/json').end(JSON.stringify(body)); },
      });
      const app = (request, response) => routes.get(request.url)(request, answer(response));
      return { get: (path, handler) => routes.set(path, handler), listen: (port) => createServer(app).listen(port) };
    };`,
  fastify: `import { createServer } from 'node:http';
    export default () => {
      const routes = new Map();
      const app = (request, response) => routes.get(request.url)(request, {
        code(code) { response.statusCode = code; return this; },
        send(body) { response.setHeader('content-type', 'application/json').end(JSON.stringify(body)); return this; },
      });
      return { get: (path, handler) => routes.set(path, handler), listen: async ({ port }) => createServer(app).listen(port) };
    };`,
  hono: `export class Hono {
      routes = new Map();
      get(path, handler) { this.routes.set(path, handler); }
      fetch = (request) => this.routes.get(new URL(request.url).pathname)({ json: (body, status) => Response.json(body, { status }) });
    }`,
  '@hono/node-server': `import { createServer } from 'node:http';
    export const serve = ({ fetch, port }) => createServer(async (request, response) => {
      const answer = await fetch(new Request('http://localhost' + request.url));
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
    }).listen(port);`,
};

beforeAll(async () => {
  const key = await newKey();
  kid = key.kid;
  jwks = jwksOf(key);
  writeFileSync(join(folder, 'jwks.json'), jwks);
  writeFileSync(join(folder, 'api.jwk'), jwkOf(key), { mode: 0o600 });
  mkdirSync(join(folder, 'node_modules/@hono'), { recursive: true });
  symlinkSync(ROOT, join(folder, 'node_modules/jwtrot'));
  for (const [name, code] of Object.entries(FRAMEWORKS)) {
    mkdirSync(join(folder, 'node_modules', name), { recursive: true });
    writeFileSync(join(folder, 'node_modules', name, 'package.json'), '{"type":"module","exports":"./index.js"}');
    writeFileSync(join(folder, 'node_modules', name, 'index.js'), code);
  }
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(code: string, port = 0): { child: ChildProcess; ended: Promise<{ code: number | null; said: string }> } {
  const here = code
    .replaceAll('/srv/jwks/', `${folder}/`)
    .replaceAll('/run/jwtrot/', `${folder}/`)
    .replaceAll('8080', String(port));
  const file = join(folder, `${Math.random()}.mjs`);
  writeFileSync(file, here);
  const child = spawn(process.execPath, [file], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += chunk));
  const ended = new Promise<{ code: number | null; said: string }>((resolve) =>
    child.once('close', (status) => resolve({ code: status, said })),
  );
  return { child, ended };
}

describe('docs/services.md', () => {
  it('signs and checks a token', async () => {
    const { ended } = run(`${OPEN}${USE}await keyring.close();`);
    expect(await ended).toEqual({ code: 0, said: `u1 ${kid}\n` });
  });

  it('has a server for each of four, one that shows the JWKS, one that reloads, and one for workers', () => {
    const imports = SERVERS.map((code) => /from '([^']+)'/.exec(code)?.[1]);
    expect(imports).toEqual([
      'node:http',
      'express',
      'fastify',
      '@hono/node-server',
      'node:http',
      'node:http',
      'node:http',
    ]);
  });

  it.each(SERVERS.map((code, i) => [i, code] as const))('server %i answers what jwtrot polls', async (_i, code) => {
    const port = await freePort();
    const { ended } = run(`${OPEN}${code}`, port);
    const ask = () => fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null);
    let answer = await ask();
    const isOver = ended.then(() => true);
    while (answer === null) {
      const pause = new Promise<false>((resolve) => setTimeout(() => resolve(false), 50));
      if (await Promise.race([isOver, pause])) throw new Error((await ended).said);
      answer = await ask();
    }
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(await answer.json()).toMatchObject({ kid, kids: [kid], preloaded: [kid], error: null });
    if (!code.includes('/jwks.json')) return;
    const shown = await fetch(`http://127.0.0.1:${port}/jwks.json`);
    expect([shown.status, shown.headers.get('cache-control')]).toEqual([200, 'max-age=300']);
    expect(shown.headers.get('age')).toMatch(/^\d+$/);
    expect(await shown.json()).toEqual(JSON.parse(jwks));
  });

  it('names every option and every code', () => {
    const types = ['public.ts', 'keyring-error.ts']
      .map((name) => readFileSync(join(ROOT, 'src/keyring', name), 'utf8'))
      .join('');
    const codes = [...(/type KeyringErrorCode =([\s\S]*?);/.exec(types)?.[1] ?? '').matchAll(/'([a-z-]+)'/g)];
    expect(codes.length).toBeGreaterThan(30);
    for (const [, code] of codes as unknown as [string, KeyringErrorCode][]) expect(PAGE).toContain(`\`${code}\``);
    const options = [
      ...(/interface KeyringOptions {([\s\S]*?)\n}/.exec(types)?.[1] ?? '').matchAll(/readonly (\w+)\??:/g),
    ];
    expect(options.length).toBeGreaterThan(10);
    for (const [, name] of options) expect(PAGE).toContain(`| \`${name}\` |`);
  });
});

describe('README.md', () => {
  it('has an example that runs', async () => {
    expect(README).toHaveLength(1);
    const { ended } = run(`${README[0]?.[1]}console.log(keyring.health().kid); await keyring.close();`);
    expect(await ended).toEqual({ code: 0, said: `${kid}\n` });
  });
});
