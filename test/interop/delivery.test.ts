import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { playDelivery } from '../e2e/delivery.js';
import { World } from '../e2e/world.js';
import { TOKEN as KUBERNETES_TOKEN, Kubernetes } from './kubernetes.js';
import { TOKEN as VAULT_TOKEN, Vault } from './vault.js';

const run = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: 'utf8' });

let world: World;
beforeEach(() => {
  world = new World();
  return () => world.close();
});

const secretFile = (name: string, text: string) => {
  writeFileSync(world.path(name), text, { mode: 0o600 });
  return world.path(name);
};

describe('the entry of docs/delivery.md delivers each key', () => {
  it('to Podman, where one secret is left', async () => {
    const name = `jwtrot-${randomUUID().slice(0, 8)}`;
    const secrets = () =>
      run('podman', 'secret', 'ls', '--format', '{{.Name}}')
        .split('\n')
        .filter((one) => one.startsWith(`${name}.`));
    const lose = async () => {
      for (const one of secrets()) run('podman', 'secret', 'rm', one);
    };
    onTestFinished(lose);
    await playDelivery(world, {
      heading: 'Podman',
      elsewhere: { 'issuer-key': name },
      env: { HOME: process.env['HOME'] ?? '/root' },
      lose,
      held: async () => {
        const [secret, ...others] = secrets();
        expect(others).toEqual([]);
        return secret === undefined ? null : readPodmanSecret(secret);
      },
    });
  });

  it('to a stand-in of Vault, with a token that can not read it, and leaves no older version', async () => {
    const vault = new Vault();
    const { url, close } = await vault.open();
    onTestFinished(close);
    await playDelivery(world, {
      heading: 'Vault',
      elsewhere: {
        'https://vault.internal:8200': url,
        '/etc/jwtrot/vault-headers': secretFile('headers', `X-Vault-Token: ${VAULT_TOKEN}\n`),
      },
      env: {},
      lose: async () => vault.lose(),
      held: async () => {
        expect(vault.versions.filter(({ destroyed }) => !destroyed).length).toBeLessThanOrEqual(2);
        const newest = vault.newest();
        return newest === null ? null : JSON.stringify(newest.data);
      },
    });
    // The first version was there before `max_versions` was.
    expect(vault.versions.map(({ destroyed }) => destroyed)).toEqual([false]);
  });

  it('to a stand-in of Kubernetes, kid and key in one step', async () => {
    const cluster = new Kubernetes();
    const { url, close } = await cluster.open();
    onTestFinished(close);
    await playDelivery(world, {
      heading: 'Kubernetes',
      elsewhere: {
        'https://10.0.0.1:6443': url,
        '/etc/jwtrot/kubernetes.curl': secretFile('curl', `header = "Authorization: Bearer ${KUBERNETES_TOKEN}"\n`),
      },
      env: {},
      lose: async () => {
        cluster.secret = null;
      },
      held: async () => {
        const key = cluster.secret?.data['key.jwk'];
        return key === undefined ? null : Buffer.from(key, 'base64').toString();
      },
    });
  });

  it('to an environment file that age has encrypted, and leaves no other', async () => {
    const folder = world.folderFor('srv');
    const identity = world.path('identity');
    run('age-keygen', '-o', identity);
    writeFileSync(`${folder}/recipients`, run('age-keygen', '-y', identity));
    const file = `${folder}/key.env.age`;
    const isOurs = (name: string) => name.startsWith('key.env.age');
    await playDelivery(world, {
      heading: 'An encrypted environment file',
      elsewhere: { '/srv/issuer': folder },
      env: {},
      lose: async () => {
        for (const name of readdirSync(folder).filter(isOurs)) rmSync(`${folder}/${name}`, { recursive: true });
      },
      held: async () => {
        if (!existsSync(file)) return null;
        expect(readdirSync(folder).sort()).toEqual(['key.env.age', 'key.env.age.jwtrot', 'recipients']);
        expect(readdirSync(`${file}.jwtrot`)).toHaveLength(1);
        const lines = run('age', '--decrypt', '--identity', identity, file).split('\n');
        expect(lines.map((line) => line.split('=')[0])).toEqual(['JWT_KID', 'JWT_PRIVATE_KEY', '']);
        return Buffer.from(lines[1]?.slice('JWT_PRIVATE_KEY='.length) ?? '', 'base64').toString();
      },
    });
  });
});

/** A secret shows its content to containers alone; Podman 4.3 has no `--showsecret`. The file driver keeps it in base64. */
function readPodmanSecret(name: string): string {
  const [found] = JSON.parse(run('podman', 'secret', 'inspect', name));
  const { path } = found.Spec.Driver.Options;
  const data = JSON.parse(run('cat', `${path}/secretsdata.json`));
  return Buffer.from(data[found.ID], 'base64').toString();
}
