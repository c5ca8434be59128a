import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfiguration } from '../../src/config/load.js';
import { failure, keysetProblems, newDirectory, problems, UID, write } from './place.js';

const API = 'keysets: { api: { maxTokenTtl: 24h } }\n';

describe('What is wrong with a configuration', () => {
  test('is one error with a line for each problem, in the order of the file', async () => {
    const path = await write(
      join(await newDirectory(), 'jwtrot.yaml'),
      `keysets:
  api:
    maxTokenTtl: 7
    publishAhed: 1h
    services:
      - { name: issuer, role: singer }
  web:
    rotateEvery: 12h
stor: 1
`,
    );
    const error = await failure(loadConfiguration({ path, env: {}, uid: UID, home: '/root' }));
    expect(error).toMatchObject({ kind: 'usage', code: 'bad-config', exit: 2 });
    expect(error.hint).toBe(
      'correct what is listed and run the same command again; docs/configuration.md describes every field',
    );
    expect(error.message).toBe(
      [
        `configuration ${path} has 5 errors; nothing was touched`,
        `${path}:3:18: keysets.api.maxTokenTtl: must be a duration such as 90d, 36h or 15m, got 7`,
        `${path}:4:5: keysets.api.publishAhed: unknown field, did you mean "publishAhead"?`,
        `${path}:6:31: keysets.api.services[0].role: must be signer, verifier or both, got "singer", did you mean "signer"?`,
        `${path}:7:3: keysets.web.maxTokenTtl: is missing: give your longest token's life, refresh tokens included, such as 24h`,
        `${path}:9:1: stor: unknown field, did you mean "store"?`,
      ].join('\n'),
    );
  });

  test('is cut after fifty lines', async () => {
    const lines = await problems(`${API}${Array.from({ length: 60 }, (_, i) => `x${i}: 1\n`).join('')}`);
    expect(lines).toHaveLength(51);
    expect(lines[0]).toBe('FILE:2:1: x0: unknown field; known here: store, wrap, defaults, keysets');
    expect(lines[50]).toBe('and 10 more');
  });

  test('is one error, not one errors', async () => {
    const path = await write(join(await newDirectory(), 'a.yaml'), 'keysets: 1\n');
    const error = await failure(loadConfiguration({ path, env: {}, uid: UID, home: '/root' }));
    expect(error.message.split('\n')[0]).toBe(`configuration ${path} has 1 error; nothing was touched`);
  });

  test('forges no line and reaches no terminal, whatever the names are', async () => {
    const lines = await problems(`${API}"a\\nb\\e[31m": 1\n`);
    expect(lines).toEqual([
      'FILE:2:1: ["a\\nb\\u001b[31m"]: unknown field; known here: store, wrap, defaults, keysets',
    ]);
  });
});

describe('A keyset called headers', () => {
  test('is named in full', async () => {
    expect(await problems('keysets: { headers: { maxTokenTtl: 1h, alg: 1 } }\n')).toEqual([
      expect.stringMatching(/^FILE:1:45: keysets\.headers\.alg: must be RS256, /),
    ]);
  });
});

describe('The shape of the file', () => {
  test.each([
    ['', ':1:1: keysets: is missing: must be a map with at least one keyset, such as { api: { maxTokenTtl: 24h } }'],
    ['- a\n', ':1:1: must be a map of fields, got a list'],
    ['keysets: {}\n', ':1:10: keysets: must be a map with at least one keyset, such as { api: { maxTokenTtl: 24h } }'],
    ['keysets:\n  api:\n', ':2:7: keysets.api: must be a map of fields, got nothing'],
    ['keysets:\n  api: 24h\n', ':2:8: keysets.api: must be a map of fields, got text'],
    [
      'keysets: { -api: { maxTokenTtl: 1h } }\n',
      ':1:12: keysets.-api: must be a keyset name: a-z, 0-9, ".", "_" and "-", up to 64 and not first ".", "_" or "-", got "-api"',
    ],
    [
      `defaults: { services: [] }\n${API}`,
      ':1:13: defaults.services: unknown field; known here: alg, modulusLength, maxTokenTtl, rotateEvery, jwksMaxAge, unlistedVerifiers, publishAhead, signerMaxAge, verifyFor, clockSkew, maxKeys, onUnconfirmed, rollout, recoveryWindowDays',
    ],
  ])('%j is refused', async (text, line) => {
    expect(await problems(text)).toEqual([`FILE${line}`]);
  });
});

describe('Fields of a policy', () => {
  test.each([
    [
      'alg: rs256',
      ':4:10: keysets.api.alg: must be RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, Ed25519 or EdDSA, got "rs256", did you mean "RS256"?',
    ],
    [
      'alg: HS256',
      ':4:10: keysets.api.alg: must be RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, Ed25519 or EdDSA, got "HS256", did you mean "RS256"?',
    ],
    ['modulusLength: 1024', ':4:20: keysets.api.modulusLength: must be 2048, 3072 or 4096, got 1024'],
    [
      'rotateEvery: 90 days',
      ':4:18: keysets.api.rotateEvery: must be a duration such as 90d, 36h or 15m, got "90 days"',
    ],
    ['clockSkew: -60s', ':4:16: keysets.api.clockSkew: must be a duration such as 90d, 36h or 15m, got "-60s"'],
    ['verifyFor:', ':4:15: keysets.api.verifyFor: must be a duration such as 90d, 36h or 15m, got nothing'],
    ['unlistedVerifiers: no', ':4:24: keysets.api.unlistedVerifiers: must be true or false, got "no"'],
    ['maxKeys: 2.5', ':4:14: keysets.api.maxKeys: must be a whole number from 1 to 1000, got 2.5'],
    ['recoveryWindowDays: 6', ':4:25: keysets.api.recoveryWindowDays: must be a whole number from 7 to 30, got 6'],
    ['onUnconfirmed: [auto]', ':4:20: keysets.api.onUnconfirmed: must be auto, wait or rollback, got a list'],
  ])('%s is refused', async (field, line) => {
    expect(await keysetProblems('maxTokenTtl: 24h', field)).toEqual([`FILE${line}`]);
  });
});

describe('A policy that would reject tokens', () => {
  test('is refused at the field, with the arithmetic', async () => {
    expect(await keysetProblems('maxTokenTtl: 24h', 'verifyFor: 24h')).toEqual([
      'FILE:4:16: keysets.api.verifyFor: verifyFor 1d would reject tokens: maxTokenTtl 1d + 2 x clockSkew 1m + signerMaxAge 1d = 2d2m; set verifyFor to at least 2d2m',
    ]);
  });

  test('counts the longest deadline of the services', async () => {
    const health = 'health: { url: "http://127.0.0.1/", deadline: 10m }';
    const lines = ['maxTokenTtl: 24h', 'verifyFor: 24h', `services: [ { name: a, role: both, ${health} } ]`];
    expect(await keysetProblems(...lines)).toEqual([
      'FILE:4:16: keysets.api.verifyFor: verifyFor 1d would reject tokens: maxTokenTtl 1d + 2 x clockSkew 1m + longest deadline 10m = 1d12m; set verifyFor to at least 1d12m',
    ]);
  });

  test('is refused where the field stands under defaults, and names the keyset', async () => {
    expect(await problems('defaults:\n  publishAhead: 30m\nkeysets:\n  api: { maxTokenTtl: 24h }\n')).toEqual([
      'FILE:2:17: keysets.api.publishAhead: publishAhead 30m would reject tokens: a verifier may cache the JWKS for jwksMaxAge 1h + clockSkew 1m = 1h1m; set publishAhead to at least 1h1m; 0s only with unlistedVerifiers: false, jwksMaxAge: 0s and every verifier polled',
    ]);
  });

  test('is refused at the keyset where the field stands nowhere', async () => {
    expect(await problems('keysets:\n  api: { maxTokenTtl: 24h, publishAhead: 100d }\n')).toEqual([
      'FILE:2:3: keysets.api.rotateEvery: rotateEvery 90d is not longer than publishAhead 100d: a key would be due before it may sign; set rotateEvery above 100d',
    ]);
  });

  test('may have publishAhead 0s only when every verifier is polled', async () => {
    const [line, ...others] = await keysetProblems(
      'maxTokenTtl: 24h',
      'publishAhead: 0s',
      'jwksMaxAge: 0s',
      'unlistedVerifiers: false',
      'services: [ { name: a, role: verifier } ]',
    );
    expect(line).toContain('FILE:4:19: keysets.api.publishAhead: publishAhead 0s would reject tokens');
    expect(others).toEqual([]);
  });

  test('is reported together with what else is wrong in the keyset', async () => {
    const lines = await keysetProblems('maxTokenTtl: 24h', 'alg: none', 'verifyFor: 1h', 'services: [ { name: a } ]');
    expect(lines.map((line) => line.split(': ').slice(0, 2).join(': '))).toEqual([
      'FILE:4:10: keysets.api.alg',
      'FILE:5:16: keysets.api.verifyFor',
      'FILE:6:17: keysets.api.services[0].role',
    ]);
  });

  test('is refused when it would put too many keys into the JWKS, or takes a hundred years', async () => {
    const [many] = await keysetProblems('maxTokenTtl: 30d', 'rotateEvery: 2d', 'maxKeys: 10');
    expect(many).toMatch(/^FILE:5:14: keysets\.api\.maxKeys: 18 keys would be in the JWKS at once, maxKeys is 10: /);
    expect(await keysetProblems('maxTokenTtl: 36500d')).toContain(
      'FILE:3:18: keysets.api.maxTokenTtl: maxTokenTtl 36500d is longer than 3650d; use a shorter time',
    );
  });
});

describe('Store and wrap', () => {
  test.each([
    [
      'store: { type: directry, path: /s }',
      ':1:16: store.type: must be secrets-manager or directory, got "directry", did you mean "directory"?',
    ],
    ['store: { path: /s }', ':1:1: store.type: is missing: must be secrets-manager or directory'],
    ['store: directory', ':1:8: store: must be a map with type: secrets-manager or directory, got text'],
    ['store: { type: directory }', ':1:1: store.path: is missing: must be an absolute path (it begins with /)'],
    [
      'store: { type: directory, path: ./s }',
      ':1:33: store.path: must be an absolute path (it begins with /), got "./s"',
    ],
    ['store: { type: directory, prefix: x, path: /s }', ':1:27: store.prefix: unknown field; known here: type, path'],
    [
      'store: { type: secrets-manager }',
      ':1:1: wrap: is missing: a secrets-manager store needs it; add wrap: { type: kms, keyId: alias/jwtrot }',
    ],
    [
      'wrap: { type: kms, keyId: jwtrot }',
      ':1:27: wrap.keyId: must be a KMS key id, an ARN, or an alias such as alias/jwtrot, got "jwtrot"',
    ],
    [
      'wrap: { type: local, kek: { credential: ../x } }',
      ':1:41: wrap.kek.credential: must be the name of a systemd credential such as jwtrot-kek, got "../x"',
    ],
    [
      'wrap: { type: local, kek: {} }',
      ':1:27: wrap.kek: must be a map with exactly one of file or credential, such as { file: /etc/jwtrot/kek }, got none of them',
    ],
    [
      'wrap: { type: local }',
      ':1:1: wrap.kek: is missing: must be a map with exactly one of file or credential, such as { file: /etc/jwtrot/kek }',
    ],
  ])('%s is refused', async (line, problem) => {
    expect(await problems(`${line}\n${API}`)).toEqual([`FILE${problem}`]);
  });

  test.each(['/jwtrot', 'jwtrot/', 'jwt rot', ''])('the prefix %j is refused', async (prefix) => {
    const text = `store: { type: secrets-manager, prefix: "${prefix}" }\nwrap: { type: kms, keyId: alias/x }\n${API}`;
    const [line] = await problems(text);
    expect(line).toMatch(/^FILE:1:41: store\.prefix: must be letters, digits and /);
  });

  test.each(['/s/kek', '/s/deep/kek', '/s', '/t/../s/kek'])('the KEK %s does not lie in the store /s', async (file) => {
    const text = `store: { type: directory, path: /s }\nwrap: { type: local, kek: { file: ${file} } }\n${API}`;
    const [line] = await problems(text);
    expect(line).toMatch(/^FILE:2:35: wrap\.kek\.file: the KEK \S+ must not lie in the store's directory \/s: /);
  });
});
