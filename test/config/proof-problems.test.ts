import { describe, expect, test } from 'vitest';
import type { KeysetConfiguration } from '../../src/config/configuration.js';
import { keysetProblems, load } from './place.js';

async function keysetOf(...lines: string[]): Promise<KeysetConfiguration> {
  const { keysets } = await load(['keysets:', '  api:', ...lines.map((line) => `    ${line}`), ''].join('\n'));
  return keysets[0]!;
}

describe('A health with preloaded beside a deliver outlet', () => {
  const KEYSET = ['maxTokenTtl: 24h', 'deliver: [ { file: /run/k } ]'];
  const service = (name: string, preloaded: string) =>
    `{ name: ${name}, role: signer, health: { url: "http://h/"${preloaded} } }`;

  test('is refused where every signer has it: nobody is left to read the file', async () => {
    const services = `services: [ ${service('a', ', preloaded: /p')}, ${service('b', ', preloaded: /p')} ]`;
    const why =
      'every signer of this keyset has preloaded, but deliver hands over the active key alone: who reads that file never holds the pending key. Leave preloaded out; or drop deliver where all signers read the store; or list the signer that reads the file, without preloaded';
    expect(await keysetProblems(...KEYSET, services)).toEqual([
      `FILE:5:81: keysets.api.services[0].health.preloaded: ${why}`,
      `FILE:5:153: keysets.api.services[1].health.preloaded: ${why}`,
    ]);
  });

  test('is right beside a signer that reads the file, and where nothing is delivered', async () => {
    const services = `services: [ ${service('a', ', preloaded: /p')}, ${service('b', '')} ]`;
    expect((await keysetOf(...KEYSET, services)).services[0]?.health).toMatchObject({ preloaded: '/p' });
    const alone = `services: [ ${service('a', ', preloaded: /p')} ]`;
    expect((await keysetOf('maxTokenTtl: 24h', alone)).services[0]?.health).toMatchObject({ preloaded: '/p' });
  });
});

describe('A health of type token', () => {
  const service = (role: string, health: string) => [
    'maxTokenTtl: 24h',
    `services: [ { name: a, role: ${role}, health: { type: token, url: "http://h/", ${health} } } ]`,
  ];

  test('has defaults for what an OAuth server answers', async () => {
    const { services } = await keysetOf(...service('signer', 'body: { file: /etc/login }'));
    expect(services[0]?.health).toMatchObject({ method: 'POST', body: { file: '/etc/login' }, token: '/access_token' });
  });

  test.each([
    ['signer', 'method: GET, body: { file: /b }', '', 'a GET has no body: set method: POST'],
    ['signer', 'method: DELETE', '.method', 'must be POST, GET or PUT, got "DELETE"'],
    ['signer', 'body: topsecret', '.body', 'must be a map of fields, got text'],
    ['signer', 'body: { file: secret }', '.body.file', 'must be an absolute path (it begins with /), got "secret"'],
    [
      'signer',
      'token: access_token',
      '.token',
      'must be a JSON pointer (RFC 6901) such as /jwt/kid, got "access_token"',
    ],
    ['signer', 'confirmations: 6', '.confirmations', 'must be a whole number from 1 to 5, got 6'],
    ['signer', 'deadline: 9s', '.deadline', 'must be at least 10s: tokens are asked for every 2s at most'],
    ['signer', 'kids: /k', '.kids', 'is for type json, and this is of type token'],
    [
      'signer',
      'distinct: { pointer: /w, count: 2 }',
      '.distinct',
      'is for type json, jwks and canary, and this is of type token',
    ],
    [
      'both',
      'method: GET',
      '.type',
      'must be json for role both: a token does not say which keys are accepted; token is for role signer alone',
    ],
    [
      'verifier',
      'method: GET',
      '.type',
      'must be json for role verifier: a token does not say which keys are accepted; token is for role signer alone',
    ],
  ])('for a %s with %s is refused', async (role, health, place, message) => {
    const lines = await keysetProblems(...service(role, health));
    expect(lines.map((line) => line.replace(/^FILE:\d+:\d+: keysets\.api\.services\[0\]\.health/, ''))).toEqual([
      `${place}: ${message}`,
    ]);
  });
});

describe('A health of type canary', () => {
  const service = (health: string, more = '') => [
    'maxTokenTtl: 24h',
    `services: [ { name: a, role: verifier, ${more}health: { type: canary, url: "https://h/", ${health} } } ]`,
  ];
  const healthOf = async (...lines: string[]) => (await keysetOf(...lines)).services[0]?.health;

  test('has defaults, and takes its time with a verifier that fetches by itself', async () => {
    expect(
      await healthOf(...service('claims: { aud: [a, b], n: 1 }', 'reload: { systemd: a.service }, ')),
    ).toMatchObject({
      method: 'GET',
      claims: { aud: ['a', 'b'], n: 1 },
      typ: null,
      accepted: [200, 403],
      rejected: [401],
      every: 5_000,
    });
    for (const reload of ['', 'reload: none, ', 'reload: { none: true }, '])
      expect(await healthOf(...service('typ: at+jwt', reload))).toMatchObject({ typ: 'at+jwt', every: 35_000 });
  });

  test('makes private halves wait for the last look', async () => {
    expect((await keysetOf(...service('method: GET'))).policy.dropsByCanary).toBe(true);
    expect((await keysetOf('maxTokenTtl: 24h')).policy).not.toHaveProperty('dropsByCanary');
  });

  test.each([
    [
      'claims: { sub: me }',
      '.claims.sub',
      'is set by jwtrot: a canary must be told from a real token, and live shortly',
    ],
    ['claims: [aud]', '.claims', 'must be a map of claims such as { aud: api }'],
    [`claims: { a: ${'x'.repeat(2100)} }`, '.claims', 'must have at most 2048 characters as JSON'],
    ['typ: "a b"', '.typ', 'must be a media type such as at+jwt, got "a b"'],
    ['accepted: []', '.accepted', 'must be a list of HTTP statuses such as [401], got an empty list'],
    ['rejected: [429]', '.rejected[0]', 'must not be 429: a service that is too busy tells nothing'],
    ['rejected: [503]', '.rejected[0]', 'must be a whole number from 200 to 499, got 503'],
    [
      'rejected: [401, 403]',
      '',
      'a status is in accepted and in rejected (by default: accepted [200, 403], rejected [401])',
    ],
    ['headers: { authorization: { file: /t } }', '', 'the header Authorization carries the canary: it can not be set'],
    ['token: /t', '.token', 'is for type token, and this is of type canary'],
  ])('with %.40s is refused', async (health, place, message) => {
    const lines = await keysetProblems(...service(health));
    expect(lines.map((line) => line.replace(/^FILE:\d+:\d+: keysets\.api\.services\[0\]\.health/, ''))).toEqual([
      `${place}: ${message}`,
    ]);
  });

  const at = (url: string, instances = '') =>
    service('method: GET', instances).map((line) => line.replace('https://h/', url));
  const listed = (...addresses: string[]) =>
    `instances: [ ${addresses.map((address, i) => `{ name: i${i}, address: "${address}" }`).join(', ')} ], `;

  test.each([
    ['http://gw.example/orders?key=secret', '', 'gw.example'],
    ['http://10.0.0.1:8080/', '', '10.0.0.1:8080'],
    ['http://localhost.example/', '', 'localhost.example'],
    ['http://{name}/', '', 'a'],
    ['http://{address}/', listed('127.0.0.1:1', '10.0.0.1:2'), '10.0.0.1:2'],
    ['http://{name}.example/', 'instances: { dns: d, port: 80 }, ', '{name}.example'],
  ])('at %s is refused: a live token would go out in clear', async (url, instances, host) => {
    const [line, ...others] = await keysetProblems(...at(url, instances));
    expect(others).toEqual([]);
    const message = `must be https:, unix: or on loopback: a canary is a live token, and would go to "${host}" in clear`;
    expect(line).toMatch(/^FILE:4:\d+: /);
    expect(line?.replace(/^FILE:4:\d+: /, '')).toBe(`keysets.api.services[0].health.url: ${message}`);
  });

  test.each([
    ['https://gw.example/', ''],
    ['http://localhost:1/', ''],
    ['http://127.8.0.1/', ''],
    ['http://[::1]:1/', ''],
    ['unix:/run/gw.sock:/orders', ''],
    ['http://{address}/', listed('127.0.0.1:1', '[::1]:2')],
    ['https://{address}/', listed('10.0.0.1:2')],
    ['http://{address}/', 'instances: { dns: d, port: 80 }, '],
    ['http://{address}/', 'instances: { command: [/bin/list] }, '],
  ])('at %s with %s is accepted', async (url, instances) => {
    expect(await healthOf(...at(url, instances))).toMatchObject({ url });
  });

  test('at no URL is told so once', async () => {
    expect(await keysetProblems(...at('ftp://gw.example/'))).toEqual([
      expect.stringContaining('must be an http:, https:'),
    ]);
  });

  test('is for verifiers alone', async () => {
    const lines = await keysetProblems(...service('method: GET').map((line) => line.replace('verifier', 'both')));
    expect(lines[0]).toContain(
      'must be json for role both: what is accepted does not say which key signs; canary is for role verifier alone',
    );
  });

  test('permits publishAhead: 0s only where distinct shows all workers', async () => {
    const policy = ['publishAhead: 0s', 'jwksMaxAge: 0s', 'unlistedVerifiers: false'];
    expect(await keysetProblems(...service('confirmations: 9'), ...policy)).toEqual([
      expect.stringContaining(
        '0s only with unlistedVerifiers: false, jwksMaxAge: 0s and every verifier polled (by canaries: with distinct)',
      ),
    ]);
    const distinct = service('distinct: { pointer: /w, count: 2 }');
    expect((await keysetOf(...distinct, ...policy)).policy.publishAhead).toBe(0);
  });
});
