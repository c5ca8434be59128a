import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { policyFields } from '../../src/config/schema/policy.js';
import { load } from './place.js';

const PAGE = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

describe('docs/configuration.md', () => {
  test('holds an example that is taken as it stands', async () => {
    const example = /```yaml\n(.*?)```/s.exec(PAGE)?.[1] ?? '';
    const { store, wrap, keysets } = await load(example);
    expect(store).toEqual({ type: 'secrets-manager', prefix: 'jwtrot' });
    expect(wrap).toEqual({ type: 'kms', keyId: 'alias/jwtrot' });
    expect(keysets.map(({ name, services }) => [name, services.map((service) => service.name)])).toEqual([
      ['api', ['issuer', 'api', 'gateway']],
      ['webhooks', ['webhooks']],
    ]);
    expect(keysets[0]?.services[0]?.reload).toMatchObject({
      url: 'http://{address}/reload',
      headers: { Authorization: { file: '/etc/jwtrot/reload-token' } },
    });
    expect(keysets[0]?.services.map(({ rollout }) => rollout.batch)).toEqual([1, 'all', 'canary']);
    expect(keysets[0]?.services[2]?.instances).toEqual({ type: 'dns', name: 'gateway.internal', port: 8443 });
    expect(keysets[1]?.deliver[0]).toMatchObject({ mode: 0o400, owner: 'webhooks', format: 'pem' });
  });

  test('describes every field of a policy', () => {
    for (const field of Object.keys(policyFields)) expect(PAGE).toContain(`| \`${field}\` |`);
  });
});

describe('The example of the design', () => {
  test('is taken', async () => {
    const { keysets } = await load(`
store: { type: secrets-manager, prefix: jwtrot }
wrap: { type: kms, keyId: alias/jwtrot }
defaults: { rotateEvery: 90d }
keysets:
  api:
    alg: RS256
    maxTokenTtl: 7d
    publish: [ { file: /srv/jwks/jwks.json, url: "https://id.example/.well-known/jwks.json" } ]
    deliver: [ { file: /run/jwtrot/api.jwk, format: jwk, group: issuer, mode: "0440" } ]
    onUnconfirmed: auto
    recoveryWindowDays: 7
    services:
      - name: issuer
        role: signer
        instances: [ { name: a, address: "10.0.0.1:8080" } ]
        reload: { systemd: issuer.service, action: reload }
        health: { url: "http://{address}/healthz", kid: /jwt/kid }
      - name: api
        role: both
        reload: { command: [/usr/bin/docker, compose, -f, /srv/app/compose.yaml, kill, -s, HUP, api] }
        health: { url: "http://127.0.0.1:8000/healthz", distinct: { pointer: /worker, count: 4 } }
`);
    expect(keysets[0]).toMatchObject({
      name: 'api',
      facts: { longestDeadline: 120_000, slowestReload: 120_000, unpolledSigner: false, allVerifiersPolled: true },
      publish: [{ type: 'file', path: '/srv/jwks/jwks.json', url: 'https://id.example/.well-known/jwks.json' }],
      deliver: [{ path: '/run/jwtrot/api.jwk', format: 'jwk', group: 'issuer', mode: 0o440 }],
      services: [
        {
          instances: { type: 'list', instances: [{ name: 'a', address: '10.0.0.1:8080' }] },
          health: { kid: '/jwt/kid', kids: '/kids' },
        },
        { role: 'both', instances: null, health: { distinct: { pointer: '/worker', count: 4 } } },
      ],
    });
  });

  test.each([
    ['{ type: local, kek: { file: /etc/jwtrot/kek } }', { file: '/etc/jwtrot/kek' }],
    ['{ type: local, kek: { credential: jwtrot-kek } }', { credential: 'jwtrot-kek' }],
  ])('is taken with wrap: %s', async (wrap, kek) => {
    const text = `store: { type: directory, path: /var/lib/jwtrot/store }\nwrap: ${wrap}\nkeysets: { a: { maxTokenTtl: 1h } }\n`;
    expect((await load(text)).wrap).toEqual({ type: 'local', kek });
  });
});

describe('examples', () => {
  const folder = new URL('../../examples/', import.meta.url);
  const configurations = readdirSync(folder, { encoding: 'utf8', recursive: true }).filter((name) =>
    /^\w+\/jwtrot\.yaml$/.test(name),
  );

  test.each(configurations)('%s is taken as it stands', async (name) => {
    expect((await load(await readFile(new URL(name, folder), 'utf8'))).keysets).toHaveLength(1);
  });
});
