import { execFile, spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { beforeAll, describe, expect, it, onTestFailed, onTestFinished } from 'vitest';
import { awsEnv } from '../e2e/aws-command.js';
import { COMMAND, freePort, until, World } from '../e2e/world.js';
import { startGuard } from './guard.js';
import { type Account, fencedBlocks, snippets } from './page.js';
import { parsePolicy } from './policy.js';

const run = promisify(execFile);
const endpoint = process.env['JWTROT_TEST_AWS_ENDPOINT'] ?? '';
const region = 'eu-central-1';

type Env = Record<string, string>;

beforeAll(async () => {
  const needed: [string, string[], string][] = [
    ['aws', ['--version'], 'pip install awscli'],
    ['python3', ['-c', 'import boto3, cryptography'], 'pip install boto3 cryptography'],
  ];
  for (const [program, args, hint] of needed) {
    await run(program, args).catch((cause) => {
      throw new Error(`docs/aws.md can't be checked without ${[program, ...args].join(' ')}\nhint: ${hint}`, { cause });
    });
  }
});

/** The credentials of an account that has nothing in it. */
async function emptyAccount(): Promise<Env> {
  const base = { ...process.env, ...awsEnv({ endpoint, keyId: '', region }) };
  const account = String(Math.floor(1e11 + Math.random() * 9e11));
  const role = `arn:aws:iam::${account}:role/administrator`;
  const args = ['sts', 'assume-role', '--role-arn', role, '--role-session-name', 'docs', '--output', 'json'];
  const { stdout } = await run('aws', args, { env: base });
  const { Credentials } = JSON.parse(stdout) as { Credentials: Env };
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: Credentials['AccessKeyId'] ?? '',
    AWS_SECRET_ACCESS_KEY: Credentials['SecretAccessKey'] ?? '',
    AWS_SESSION_TOKEN: Credentials['SessionToken'] ?? '',
  };
}

/** A folder with the page's files; only paths and the port are other ones. */
async function openPage() {
  const world = new World();
  onTestFinished(() => world.close());
  const port = await freePort();
  const here = (text: string) =>
    text
      .replaceAll('/srv/jwks/', `${world.folderFor('srv')}/`)
      .replaceAll('/run/issuer/', `${world.folderFor('run')}/`)
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`);
  for (const [name, text] of snippets()) writeFileSync(world.path(name), here(text), { mode: 0o600 });
  writeFileSync(world.path('jwtrot'), `#!/bin/sh\nexec "${process.execPath}" "${COMMAND}" "$@"\n`);
  chmodSync(world.path('jwtrot'), 0o755);
  const env = (more: Env): Env => ({
    ...world.env(more),
    PATH: `${world.folder}:${process.env['PATH']}`,
    JWTROT_CONFIG: world.path('jwtrot.yaml'),
    PORT: String(port),
    PID_FILE: world.path('run/issuer.pid'),
  });
  const inFolder = (program: string, args: string[], more: Env) =>
    run(program, args, { cwd: world.folder, env: env(more) });
  /** Blocks of the page, one after the other in one shell. @returns what it exported */
  const shell = async (names: string[], more: Env): Promise<Env> => {
    const script = `set -eu\n${names.map((name) => `. ./${name}`).join('\n')}\nenv -0 > exported`;
    await inFolder('bash', ['-c', script], more);
    const lines = readFileSync(world.path('exported'), 'utf8').split('\0').filter(Boolean);
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  };
  return { world, port, env, inFolder, shell };
}

describe('docs/aws.md', () => {
  it('has no block that is not checked', () => {
    expect(snippets().size).toBe(fencedBlocks());
    expect(snippets().size).toBeGreaterThan(10);
  });

  it('leads from an empty account to a rotation, each role under its own policy', async () => {
    const { world, port, env, inFolder, shell } = await openPage();
    const credentials = await emptyAccount();
    const exported = await shell(['setup.sh', 'key.sh', 'policies.sh', 'role.sh'], credentials);
    const account: Account = { region, account: exported['ACCOUNT'] ?? '', keyArn: exported['KEY_ARN'] ?? '' };
    expect(account.keyArn).toBe(`arn:aws:kms:${region}:${account.account}:key/${account.keyArn.split('/')[1]}`);
    const { stdout: listed } = await inFolder('aws', ['iam', 'list-policies', '--scope', 'Local', '--output', 'json'], {
      ...credentials,
      AWS_DEFAULT_REGION: region,
    });
    const { Policies } = JSON.parse(listed) as { Policies: { PolicyName: string }[] };
    expect(Policies.map((policy) => policy.PolicyName).sort()).toEqual([
      'jwtrot-reader',
      'jwtrot-rotator',
      'jwtrot-signer',
    ]);

    const as = async (role: string) => {
      const policy = parsePolicy(readFileSync(world.path(`${role}.filled.json`), 'utf8'));
      const guard = await startGuard(endpoint, policy, account);
      return { guard, env: { ...credentials, AWS_DEFAULT_REGION: region, AWS_ENDPOINT_URL: guard.endpoint } };
    };
    const [rotator, signer, reader] = [await as('rotator'), await as('signer'), await as('reader')];

    const service = spawn('python3', ['signer.py'], { cwd: world.folder, env: env(signer.env), stdio: 'pipe' });
    let said = '';
    for (const stream of [service.stdout, service.stderr]) stream.on('data', (chunk) => (said += chunk));
    onTestFailed(() => console.error(said));
    const gone = new Promise((resolve) => service.once('exit', resolve));
    onTestFinished(async () => {
      service.kill('SIGKILL');
      await gone;
    });
    await until(() => existsSync(world.path('run/issuer.pid')), 'the service wrote its pid', 30_000);
    const ask = async (path: string) => (await (await fetch(`http://127.0.0.1:${port}${path}`)).json()) as Env;
    expect(await ask('/healthz')).toEqual({ kid: null });
    // Before the first rotation it looks for a secret that does not exist.
    signer.guard.denied.length = 0;

    const rotated = await inFolder('sh', ['-eu', 'rotate.sh'], rotator.env);
    expect(rotated.stdout).toContain('api: rotated; active v1 ');
    const { kid: first } = await ask('/healthz');
    const { token: old } = await ask('/token');

    const again = await inFolder('jwtrot', ['rotate', '--immediate', '--json'], rotator.env);
    const { keysets } = JSON.parse(again.stdout) as { keysets: { outcome: string; active: string }[] };
    expect(keysets[0]).toMatchObject({ outcome: 'rotated' });
    expect(await ask('/healthz')).toEqual({ kid: keysets[0]!.active });

    const read = await inFolder('python3', ['reader.py'], reader.env);
    const jwks = JSON.parse(read.stdout) as JSONWebKeySet;
    expect(JSON.parse((await inFolder('jwtrot', ['jwks'], reader.env)).stdout)).toEqual(jwks);
    expect(world.readJson('srv/jwks.json')).toEqual(jwks);
    for (const [token, kid] of [
      [old, first],
      [(await ask('/token'))['token'], keysets[0]!.active],
    ]) {
      const { protectedHeader } = await jwtVerify(token ?? '', createLocalJWKSet(jwks), { algorithms: ['RS256'] });
      expect(protectedHeader.kid).toBe(kid);
    }
    expect([rotator, signer, reader].flatMap(({ guard }) => guard.denied)).toEqual([]);
    expect([...signer.guard.used].sort()).toEqual(['kms:Decrypt', 'secretsmanager:GetSecretValue']);
  });
});
