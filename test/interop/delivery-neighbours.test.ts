import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { SCRIPTS } from '../e2e/delivery.js';
import { World } from '../e2e/world.js';
import { standIn } from './stand-in.js';

const ANYBODY = 65_534;
const run = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: 'utf8' });

let world: World;
beforeEach(() => {
  world = new World();
  return () => world.close();
});

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  /** Runs as this user. */
  readonly uid?: number;
}

/** The script's own text, so that a user who may not read its folder can run it. */
function script(name: string, args: readonly string[], { env, ...options }: Given = {}) {
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((done) => {
    const text = readFileSync(`${SCRIPTS}/${name}`, 'utf8');
    const all = { cwd: '/', env: { ...process.env, ...env }, ...options };
    const child = execFile('sh', ['-c', text, name, ...args], all, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end('a key');
  });
}

async function put(name: string, args: readonly string[], kid: string): Promise<void> {
  const said = await script(name, ['put', ...args], { env: { JWTROT_KID: kid, JWTROT_REVISION: '1' } });
  expect(said).toEqual({ code: 0, stdout: '', stderr: expect.anything() });
}

const NOTHING = { code: 0, stdout: '' };
const kidOf = (kid: string) => ({ code: 0, stdout: `${kid}\n` });
const failure = { code: expect.toSatisfy((code) => Number(code) > 0), stdout: '' };

/** A program on the PATH that ends at once. */
function broken(program: string): Given {
  const folder = world.folderFor('bin');
  writeFileSync(`${folder}/${program}`, '#!/bin/sh\nexit 125\n');
  chmodSync(`${folder}/${program}`, 0o755);
  return { env: { PATH: `${folder}:${process.env['PATH']}` } };
}

describe('podman-secret', () => {
  const make = (name: string, ...label: string[]) => {
    // Podman does not take a socket for standard input.
    run('sh', '-c', 'printf foreign | podman secret create "$@" -', 'sh', ...label, name);
    onTestFinished(() => void run('podman', 'secret', 'rm', name));
  };

  it('removes no secret but its own, and names the former of two', async () => {
    const name = `jwtrot-${randomUUID().slice(0, 8)}`;
    make(`${name}.tls`);
    make(`${name}.k8`, '--label', 'jwtrot=another');
    await put('podman-secret', [name], '-n');
    await put('podman-secret', [name], 'k9');
    onTestFinished(() => void run('podman', 'secret', 'rm', `${name}.k9`));
    const left = run('podman', 'secret', 'ls', '--format', '{{.Name}}').split('\n');
    expect(left.filter((one) => one.startsWith(name)).sort()).toEqual([`${name}.k8`, `${name}.k9`, `${name}.tls`]);
    expect(await script('podman-secret', ['holds', name])).toMatchObject(kidOf('k9'));
    // As a put that was killed leaves it.
    make(`${name}.k10`, '--label', `jwtrot=${name}`);
    const holds = (kid: string) => script('podman-secret', ['holds', name], { env: { JWTROT_KID: kid } });
    expect(await holds('k10')).toMatchObject(kidOf('k9'));
    expect(await holds('k9')).toMatchObject(kidOf('k10'));
    expect(await script('podman-secret', ['holds', name])).toMatchObject(failure);
  });

  it('can not ask, or is given a name that is a pattern: that is not nothing', async () => {
    expect(await script('podman-secret', ['holds', 'nobody'])).toMatchObject(NOTHING);
    expect(await script('podman-secret', ['holds', 'nobody'], broken('podman'))).toMatchObject(failure);
    expect(await script('podman-secret', ['holds', 'no.body'])).toMatchObject({ code: 64, stdout: '' });
  });
});

describe('env-file', () => {
  const folderWithRecipients = () => {
    const folder = world.folderFor('srv');
    run('age-keygen', '-o', world.path('identity'));
    writeFileSync(`${folder}/recipients`, run('age-keygen', '-y', world.path('identity')));
    return folder;
  };

  it('removes no file but its own, whatever the kid', async () => {
    const folder = folderWithRecipients();
    const foreign = ['key.yaml', 'key.identity', 'key.part', 'key.recipients', 'recipients'];
    for (const name of foreign.slice(0, -1)) writeFileSync(`${folder}/${name}`, 'foreign');
    for (const file of ['key', 'key.eu'])
      for (const kid of ['link', 'part', '-n']) {
        await put('env-file', [`${folder}/${file}`, `${folder}/recipients`], kid);
        expect(await script('env-file', ['holds', `${folder}/${file}`])).toMatchObject(kidOf(kid));
      }
    const own = ['key', 'key.jwtrot', 'key.eu', 'key.eu.jwtrot'];
    expect(readdirSync(folder).sort()).toEqual([...foreign, ...own].sort());
    expect(readdirSync(`${folder}/key.jwtrot`)).toEqual(['-n']);
    expect(run('age', '--decrypt', '--identity', world.path('identity'), `${folder}/key`)).toContain('JWT_KID=-n\n');
  });

  it('replaces no file of another', async () => {
    const folder = folderWithRecipients();
    writeFileSync(`${folder}/key`, 'foreign');
    const env = { JWTROT_KID: 'k9' };
    const said = await script('env-file', ['put', `${folder}/key`, `${folder}/recipients`], { env });
    expect(said).toMatchObject({ code: 1, stderr: `${folder}/key is not jwtrot's: move it away\n` });
    expect(readFileSync(`${folder}/key`, 'utf8')).toBe('foreign');
    expect(existsSync(`${folder}/key.jwtrot`)).toBe(false);
  });

  it('can not see the file: that is not nothing', async () => {
    const folder = world.folderFor('srv');
    const holds = (file: string, given?: Given) => script('env-file', ['holds', file], given);
    expect(await holds(`${folder}/key`)).toMatchObject(NOTHING);
    expect(await holds(`${folder}/gone/key`)).toMatchObject(failure);
    mkdirSync(`${folder}/key.jwtrot`);
    for (const target of ['key.jwtrot/k9', 'key.jwtrot/', 'elsewhere']) {
      symlinkSync(target, `${folder}/key`);
      expect(await holds(`${folder}/key`)).toMatchObject(failure);
      rmSync(`${folder}/key`);
    }
    chmodSync(folder, 0);
    const said = await holds(`${folder}/key`, process.getuid?.() === 0 ? { uid: ANYBODY } : {});
    chmodSync(folder, 0o700);
    expect(said).toMatchObject(failure);
  });
});

describe('over HTTP', () => {
  const places = [
    ['ssm-parameter', (url: string) => [url, '/issuer/key', '/dev/null']],
    ['kubernetes-secret', (url: string) => [url, 'default', 'issuer-key', '/dev/null']],
    ['vault-kv', (url: string) => [url, 'secret', 'issuer', '/dev/null']],
  ] as const;

  it.each(places)('%s: a refusal, no answer and an empty one are not nothing', async (name, argsFor) => {
    let [status, body] = [500, ''];
    const server = createServer((_, response) => response.writeHead(status).end(body));
    const { url, close } = await standIn(server);
    const holds = () => script(name, ['holds', ...argsFor(url)]);
    expect(await holds()).toMatchObject(failure);
    [status, body] = [400, '{"Parameters":[]}'];
    expect(await holds()).toMatchObject(failure);
    [status, body] = [200, ''];
    expect(await holds()).toMatchObject(failure);
    [status, body] = [200, '<html>'];
    expect(await holds()).toMatchObject(failure);
    await close();
    expect(await holds()).toMatchObject(failure);
  });

  it('ssm-parameter: only an empty list is nothing', async () => {
    let body = {};
    const server = createServer((_, response) => response.end(JSON.stringify(body)));
    const { url, close } = await standIn(server);
    onTestFinished(close);
    const holds = () => script('ssm-parameter', ['holds', url, '/issuer/key', '/dev/null']);
    expect(await holds()).toMatchObject(failure);
    body = { Parameters: [], NextToken: 'more' };
    expect(await holds()).toMatchObject(failure);
    for (const Description of ['of another', 'kid:', undefined]) {
      body = { Parameters: [{ Name: '/issuer/key', Description }] };
      expect(await holds()).toMatchObject(failure);
    }
    body = { Parameters: [{ Name: '/issuer/key', Description: 'kid:-n' }] };
    expect(await holds()).toMatchObject(kidOf('-n'));
    body = { Parameters: [] };
    expect(await holds()).toMatchObject(NOTHING);
  });

  it.each(places)('%s: curl does not read ~/.curlrc, which could write the key to a file', async (name, argsFor) => {
    const { url, close } = await standIn(createServer((_, response) => response.writeHead(500).end()));
    onTestFinished(close);
    const home = world.folderFor('home');
    writeFileSync(`${home}/.curlrc`, `trace-ascii = "${home}/trace"\n`);
    const env = { HOME: home, JWTROT_KID: 'k9', JWTROT_REVISION: '1' };
    expect(await script(name, ['put', ...argsFor(url)], { env })).toMatchObject(failure);
    expect(readdirSync(home)).toEqual(['.curlrc']);
  });
});
