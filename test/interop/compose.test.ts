import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Engine, type Service } from './containers.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'jwtrot-compose-'));
/** A tmpfs, as /run is on a server. */
const keys = mkdtempSync('/dev/shm/jwtrot-compose-');
const { services } = parse(readFileSync(join(ROOT, 'examples/compose/compose.yaml'), 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
};

const engine = new Engine(folder, services, (source) => {
  if (source.startsWith('./')) return join(folder, 'app', source);
  if (source === '/run/jwtrot') return keys;
  return join(folder, 'host', source);
});

/** What the README has an operator do. */
function prepare() {
  chmodSync(folder, 0o755);
  const app = join(folder, 'app');
  const own = join(app, 'node_modules/jwtrot');
  for (const name of ['bin', 'dist', 'package.json']) cpSync(join(ROOT, name), join(own, name), { recursive: true });
  for (const name of ['issuer.mjs', 'api.mjs']) cpSync(join(ROOT, 'examples/node', name), join(app, name));
  const host = (path: string) => join(folder, 'host', path);
  for (const path of ['/var/lib/jwtrot', '/srv/jwks', '/etc/jwtrot']) mkdirSync(host(path), { recursive: true });
  chownSync(host('/var/lib/jwtrot'), 2000, 2000);
  chmodSync(host('/var/lib/jwtrot'), 0o700);
  chownSync(host('/srv/jwks'), 2000, 2000);
  chownSync(keys, 2000, 2100);
  chmodSync(keys, 0o750);
  cpSync(join(ROOT, 'examples/compose/jwtrot.yaml'), host('/etc/jwtrot/jwtrot.yaml'));
  chmodSync(host('/etc/jwtrot/jwtrot.yaml'), 0o644);
  writeFileSync(host('/etc/machine-id'), `${'0123456789abcdef'.repeat(2)}\n`);
}

const jwtrot = (...args: string[]) => engine.once('jwtrot', args);

/** Asked from within, where the loopback is. */
function ask(url: string, token = ''): { status: number; text: string } {
  const script = `fetch(${JSON.stringify(url)}, { headers: { authorization: ${JSON.stringify(`Bearer ${token}`)} } })
    .then(async (answer) => console.log(JSON.stringify({ status: answer.status, text: await answer.text() })))`;
  const { out, err } = engine.exec('issuer', 'node', '-e', script);
  if (out === '') throw new Error(err);
  return JSON.parse(out) as { status: number; text: string };
}

const newToken = () => ask('http://127.0.0.1:4001/').text;
const check = (token: string) => ask('http://127.0.0.1:4002/', token);
const kidOf = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid;

beforeAll(async () => {
  expect(process.getuid?.(), 'this test starts containers of several users: run it as root').toBe(0);
  prepare();
  engine.start('issuer');
  engine.start('api');
  const hasBegun = () => engine.exec('issuer', 'node', '-e', 'fetch("http://127.0.0.1:4002/healthz")').code === 0;
  const until = Date.now() + 60_000;
  while (!hasBegun() && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 200));
});
afterAll(() => {
  engine.end();
  rmSync(folder, { recursive: true });
  rmSync(keys, { recursive: true });
});

describe('examples/compose, under Podman', () => {
  let first = '';

  it('has no key before the first run, which makes one', () => {
    expect(ask('http://127.0.0.1:4001/').status).toBe(503);
    const { code, err } = jwtrot();
    expect(err).toContain('issuer confirmed');
    expect(code).toBe(0);
    first = newToken();
    expect(check(first).status).toBe(200);
  });

  it('finds nothing due in the next run', () => {
    expect(jwtrot()).toMatchObject({ code: 0, out: expect.stringContaining('nothing due') });
  });

  it('rotates, and the former token stays good', () => {
    expect(jwtrot('rotate', '--force').code).toBe(0);
    const second = newToken();
    expect(kidOf(second)).not.toBe(kidOf(first));
    expect(check(second).status).toBe(200);
    expect(check(first).status).toBe(200);
  });

  it('shows the key to the issuer alone, and lets no service write', () => {
    expect(engine.exec('issuer', 'cat', '/app/private/api.jwk')).toMatchObject({ code: 0 });
    expect(engine.exec('issuer', 'touch', '/app/private/x').err).toContain('Read-only file system');
    expect(engine.exec('api', 'touch', '/app/public/x').err).toContain('Read-only file system');
    expect(engine.exec('api', 'find', '/', '-name', '*.jwk', '-not', '-path', '/proc/*').out).toBe('');
    expect(engine.exec('issuer', 'find', '/', '-name', 'kek', '-not', '-path', '/proc/*').out).toBe('');
  });

  it('delivers the key again after a reboot emptied the tmpfs', () => {
    for (const name of readdirSync(keys)) rmSync(join(keys, name));
    expect(jwtrot('sync').code).toBe(0);
    expect(readdirSync(keys)).toContain('api.jwk');
    expect(check(newToken()).status).toBe(200);
  });

  it('retires a key after a rotation that was killed on its way', async () => {
    const leaked = newToken();
    expect(engine.podman('pause', 'api').code).toBe(0);
    engine.begin('jwtrot', ['rotate', '--force'], 'killed');
    await logsOf('killed', 'wait until each verifier accepts');
    expect(engine.podman('kill', 'killed').code).toBe(0);
    expect(engine.podman('unpause', 'api').code).toBe(0);
    expect(jwtrot('retire', '--kid', kidOf(leaked), '--yes').code).toBe(0);
    expect(check(leaked)).toMatchObject({ status: 401, text: 'unknown-kid\n' });
    expect(check(newToken()).status).toBe(200);
  });
});

async function logsOf(name: string, part: string): Promise<void> {
  const until = Date.now() + 60_000;
  for (;;) {
    const { out, err } = engine.podman('logs', name);
    if (`${out}${err}`.includes(part)) return;
    if (Date.now() > until) throw new Error(`${name} said: ${out}${err}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
