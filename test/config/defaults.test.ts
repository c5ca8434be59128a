import { describe, expect, test } from 'vitest';
import { loadConfiguration } from '../../src/config/load.js';
import { DAY, HOUR, MINUTE, SECOND } from '../../src/keyset/basics/clock.js';
import { failure, load } from './place.js';

const NOWHERE = { env: {}, uid: 0, home: '/root', systemConfig: '/nonexistent/jwtrot.yaml' };
const MINIMAL = 'keysets: { api: { maxTokenTtl: 1h } }\n';

describe('Without a configuration', () => {
  test('there is one keyset in the local store, with no services', async () => {
    expect(await loadConfiguration(NOWHERE)).toEqual({
      source: null,
      store: { type: 'directory', path: '/root/.local/state/jwtrot/store' },
      wrap: { type: 'local', kek: { file: '/root/.local/state/jwtrot/kek' } },
      keysets: [
        {
          name: 'default',
          policy: {
            alg: 'RS256',
            modulusLength: 2048,
            maxTokenTtl: 24 * HOUR,
            rotateEvery: 90 * DAY,
            jwksMaxAge: HOUR,
            publishAhead: 24 * HOUR,
            signerMaxAge: 24 * HOUR,
            verifyFor: 48 * HOUR + 2 * MINUTE,
            clockSkew: MINUTE,
            maxKeys: 10,
            unlistedVerifiers: true,
            onUnconfirmed: 'auto',
            rollout: { batch: 'all' },
            recoveryWindowDays: 7,
            slowestReload: 0,
          },
          facts: { longestDeadline: 0, slowestReload: 0, unpolledSigner: true, allVerifiersPolled: false },
          publish: [],
          deliver: [],
          services: [],
        },
      ],
    });
  });

  test.each([
    [{ STATE_DIRECTORY: '/var/lib/jwtrot:/var/lib/other' }, '/var/lib/jwtrot'],
    [{ XDG_STATE_HOME: '/xdg' }, '/xdg/jwtrot'],
    [{ XDG_STATE_HOME: 'relative' }, '/root/.local/state/jwtrot'],
    [{ STATE_DIRECTORY: '', XDG_STATE_HOME: '/xdg' }, '/xdg/jwtrot'],
    [{ STATE_DIRECTORY: '/s', XDG_STATE_HOME: '/xdg', CREDENTIALS_DIRECTORY: '/run/credentials/jwtrot' }, '/s'],
  ])('%o puts the store and its KEK side by side', async (env, state) => {
    const { store, wrap } = await loadConfiguration({ ...NOWHERE, env });
    expect(store).toEqual({ type: 'directory', path: `${state}/store` });
    expect(wrap).toEqual({ type: 'local', kek: { file: `${state}/kek` } });
  });

  test('a user without a home is told what to set', async () => {
    const error = await failure(loadConfiguration({ ...NOWHERE, home: '' }));
    expect(error).toMatchObject({ code: 'no-state-directory', exit: 2 });
  });
});

describe('What a configuration leaves out', () => {
  test('of store and wrap is as without a configuration', async () => {
    const { store, wrap } = await load(MINIMAL, { env: { STATE_DIRECTORY: '/var/lib/jwtrot' } as never });
    expect(store).toEqual({ type: 'directory', path: '/var/lib/jwtrot/store' });
    expect(wrap).toEqual({ type: 'local', kek: { file: '/var/lib/jwtrot/kek' } });
  });

  test('of wrap follows the store alone, whatever the environment is', async () => {
    const text = `store: { type: directory, path: /srv/jwtrot/keys/ }\n${MINIMAL}`;
    const { store, wrap } = await load(text, { env: { STATE_DIRECTORY: '/var/lib/jwtrot' } as never });
    expect(store).toEqual({ type: 'directory', path: '/srv/jwtrot/keys' });
    expect(wrap).toEqual({ type: 'local', kek: { file: '/srv/jwtrot/kek' } });
  });

  test('of outlets and services', async () => {
    const { keysets } = await load(`
keysets:
  api:
    maxTokenTtl: 1h
    publish: [ { file: /srv/jwks/../jwks.json }, { command: [upload] } ]
    deliver: [ { file: /run/jwtrot/key.pem }, { command: [put-key], holds: [which-key] } ]
    services:
      - { name: a, role: signer, reload: { systemd: a.service }, health: { url: "http://127.0.0.1/healthz" } }
      - { name: b, role: verifier, reload: { signal: SIGHUP, pid: 42 } }
      - { name: c, role: verifier, reload: { http: "http://127.0.0.1/reload" } }
      - { name: d, role: verifier, reload: { command: [reload, d] } }
      - { name: e, role: verifier, reload: { none: true } }
      - { name: f, role: verifier }
`);
    const [{ publish, deliver, services }] = keysets as [(typeof keysets)[number]];
    expect(publish).toEqual([
      { type: 'file', path: '/srv/jwks.json', format: 'jwks', mode: 0o644, allowShared: false, url: null },
      { type: 'command', command: { argv: ['upload'], env: [] }, format: 'jwks', timeout: 30 * SECOND, url: null },
    ]);
    expect(deliver).toEqual([
      {
        type: 'file',
        path: '/run/jwtrot/key.pem',
        format: 'pem',
        mode: 0o600,
        owner: null,
        group: null,
        allowDisk: false,
      },
      {
        type: 'command',
        command: { argv: ['put-key'], env: [] },
        holds: { argv: ['which-key'], env: [] },
        format: 'pem',
        timeout: 30 * SECOND,
      },
    ]);
    const tls = { ca: null, cert: null, key: null };
    const timeout = 60 * SECOND;
    expect(services.map(({ reload }) => reload)).toEqual([
      { type: 'systemd', unit: 'a.service', action: 'reload', timeout },
      { type: 'signal', signal: 'SIGHUP', target: { pid: 42 }, timeout },
      { type: 'http', url: 'http://127.0.0.1/reload', method: 'POST', headers: {}, tls, timeout },
      { type: 'command', command: { argv: ['reload', 'd'], env: [] }, timeout, waits: false },
      { type: 'none' },
      { type: 'none' },
    ]);
    expect(services[0]).toMatchObject({ name: 'a', role: 'signer', instances: null });
    expect(services[0]?.health).toEqual({
      type: 'json',
      url: 'http://127.0.0.1/healthz',
      kid: '/kid',
      kids: '/kids',
      preloaded: null,
      headers: {},
      tls,
      timeout: 2 * SECOND,
      deadline: 120 * SECOND,
      confirmations: 1,
      distinct: null,
    });
    expect(services[1]?.health).toBeNull();
  });
});

describe('publishAhead', () => {
  const publishAhead = async (fields: string): Promise<number | undefined> =>
    (await load(`keysets: { api: { maxTokenTtl: 1h, ${fields} } }\n`)).keysets[0]?.policy.publishAhead;

  test('is 24h, or what a verifier may cache where that is longer', async () => {
    expect(await publishAhead('jwksMaxAge: 1h')).toBe(24 * HOUR);
    expect(await publishAhead('jwksMaxAge: 36h')).toBe(36 * HOUR + MINUTE);
  });

  test('is 0s only where that was set', async () => {
    const polled =
      'unlistedVerifiers: false, jwksMaxAge: 0s, services: [ { name: a, role: both, health: { url: "http://h/" } } ]';
    expect(await publishAhead(polled)).toBe(24 * HOUR);
    expect(await publishAhead(`publishAhead: 0s, ${polled}`)).toBe(0);
  });
});

describe('defaults', () => {
  test('stand under each keyset, which may set them anew', async () => {
    const { keysets } = await load(`
defaults: { maxTokenTtl: 2h, rotateEvery: 30d, onUnconfirmed: wait, recoveryWindowDays: 30 }
keysets:
  a: {}
  b: { rotateEvery: 60d, onUnconfirmed: rollback }
`);
    const policies = keysets.map(({ policy }) => policy);
    expect(policies[0]).toMatchObject({ maxTokenTtl: 2 * HOUR, rotateEvery: 30 * DAY, onUnconfirmed: 'wait' });
    expect(policies[1]).toMatchObject({ maxTokenTtl: 2 * HOUR, rotateEvery: 60 * DAY, onUnconfirmed: 'rollback' });
    expect(policies.map(({ recoveryWindowDays }) => recoveryWindowDays)).toEqual([30, 30]);
  });
});

describe('The facts about services', () => {
  const facts = async (...services: string[]) =>
    (await load(`keysets: { api: { maxTokenTtl: 1h, services: [ ${services.join(', ')} ] } }\n`)).keysets[0]?.facts;
  const service = (name: string, role: string, deadline?: string) =>
    `{ name: ${name}, role: ${role}${deadline === undefined ? '' : `, health: { url: "http://h/", deadline: ${deadline} }`} }`;

  test('with every service polled', async () => {
    expect(await facts(service('a', 'signer', '30s'), service('b', 'verifier', '45s'))).toEqual({
      longestDeadline: 45 * SECOND,
      slowestReload: 45 * SECOND,
      unpolledSigner: false,
      allVerifiersPolled: true,
    });
  });

  test('with an unpolled signer, and no verifier', async () => {
    expect(await facts(service('a', 'signer', '30s'), service('b', 'signer'))).toEqual({
      longestDeadline: 30 * SECOND,
      slowestReload: 0,
      unpolledSigner: true,
      allVerifiersPolled: false,
    });
  });

  test('with no signer, and one of two verifiers polled', async () => {
    expect(await facts(service('a', 'verifier', '30s'), service('b', 'verifier'))).toEqual({
      longestDeadline: 30 * SECOND,
      slowestReload: 30 * SECOND,
      unpolledSigner: true,
      allVerifiersPolled: false,
    });
  });

  test('with one service that does both', async () => {
    expect(await facts(service('a', 'both', '1m'))).toEqual({
      longestDeadline: MINUTE,
      slowestReload: MINUTE,
      unpolledSigner: false,
      allVerifiersPolled: true,
    });
  });
});
