import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfiguration } from '../../src/config/load.js';
import { failure, keysetProblems, newDirectory, problems, UID, write } from './place.js';

describe('An outlet', () => {
  test.each([
    [
      'publish: [ { file: jwks.json } ]',
      ':4:24: keysets.api.publish[0].file: must be an absolute path (it begins with /), got "jwks.json"',
    ],
    [
      'publish: { file: /j }',
      ':4:14: keysets.api.publish: must be a list of outlets such as [ { file: /srv/jwks/jwks.json } ], got a map',
    ],
    [
      'publish: [ { file: /j, command: [x] } ]',
      ':4:16: keysets.api.publish[0]: must be a map with exactly one of file, directory or command, such as { file: /srv/jwks/jwks.json }, got file and command',
    ],
    [
      'publish: [ { file: /j, mode: 0644 } ]',
      ':4:34: keysets.api.publish[0].mode: must be a mode in quotes such as "0440" with no more rights than "0644", got 644',
    ],
    [
      'publish: [ { file: /j, mode: "0666" } ]',
      ':4:34: keysets.api.publish[0].mode: must be a mode in quotes such as "0440" with no more rights than "0644", got "0666"',
    ],
    ['publish: [ { file: /j, format: der } ]', ':4:36: keysets.api.publish[0].format: must be jwks or pem, got "der"'],
    [
      'publish: [ { command: [x], mode: "0644" } ]',
      ':4:32: keysets.api.publish[0].mode: unknown field; known here: command, env, format, timeout, url',
    ],
    [
      'publish: [ { file: /j, url: "unix:/s:/x" } ]',
      ':4:33: keysets.api.publish[0].url: must be an http: or https: URL such as "https://id.example/.well-known/jwks.json", got "unix:/s:/x"',
    ],
    [
      'publish: [ { file: /j, url: "http://{name}/" } ]',
      ':4:33: keysets.api.publish[0].url: nothing is filled in here, got "{name}"',
    ],
    [
      'publish: [ { command: [x, "{address}"] } ]',
      ':4:31: keysets.api.publish[0].command[1]: {address} is not filled in here: an outlet has no instances',
    ],
    [
      'deliver: [ { file: /k, mode: "0644" } ]',
      ':4:34: keysets.api.deliver[0].mode: must be a mode in quotes such as "0440" with no more rights than "0640", got "0644"',
    ],
    [
      'deliver: [ { file: /k, mode: "0040" } ]',
      ':4:34: keysets.api.deliver[0].mode: must be a mode in quotes such as "0440" with no more rights than "0640", got "0040"',
    ],
    [
      'deliver: [ { file: /k, owner: -1 } ]',
      ':4:35: keysets.api.deliver[0].owner: must be the name or number of an account, got -1',
    ],
    [
      'deliver: [ { file: /k, allowDisk: yes } ]',
      ':4:39: keysets.api.deliver[0].allowDisk: must be true or false, got "yes"',
    ],
    [
      'deliver: [ { format: jwk } ]',
      ':4:16: keysets.api.deliver[0]: must be a map with exactly one of file or command, such as { file: /run/jwtrot/key.pem }, got none of them',
    ],
    [
      'deliver: [ { command: [put-key] } ]',
      ':4:16: keysets.api.deliver[0].holds: is missing: must be a command that prints the kid of the key that is there now, and nothing where none is, such as [/usr/local/bin/which-key]; without it nobody would notice that the key is lost, or that another one is there',
    ],
    [
      'deliver: [ { command: [put-key], holds: [./which] } ]',
      ':4:45: keysets.api.deliver[0].holds: the program must be an absolute path or a bare name that is found in the fixed PATH, got "./which"',
    ],
    [
      'deliver: [ { command: [put-key, "{address}"], holds: [which-key] } ]',
      ':4:37: keysets.api.deliver[0].command[1]: {address} is not filled in here: an outlet has no instances',
    ],
    [
      'deliver: [ { command: [put-key], holds: [which-key], mode: "0600" } ]',
      ':4:58: keysets.api.deliver[0].mode: unknown field; known here: command, holds, env, format, timeout',
    ],
  ])('%s is refused', async (line, problem) => {
    expect(await keysetProblems('maxTokenTtl: 24h', line)).toEqual([`FILE${problem}`]);
  });
});

describe('Two outlets', () => {
  test('do not write the same file, in one keyset', async () => {
    expect(
      await keysetProblems('maxTokenTtl: 24h', 'publish: [ { file: /a/k } ]', 'deliver: [ { file: /a/../a/k } ]'),
    ).toEqual([
      'FILE:5:24: keysets.api.deliver[0].file: /a/k is already written by keysets.api.publish[0]; each outlet needs a file of its own',
    ]);
  });

  test('do not write the same file, in two keysets', async () => {
    const text = `keysets:
  a: { maxTokenTtl: 1h, publish: [ { file: /j } ] }
  b: { maxTokenTtl: 1h, publish: [ { file: /j } ] }
`;
    expect(await problems(text)).toEqual([
      'FILE:3:44: keysets.b.publish[0].file: /j is already written by keysets.a.publish[0]; each outlet needs a file of its own',
    ]);
  });
});

describe('A directory outlet', () => {
  test.each([
    [
      '{ directory: /a }',
      'keysets.api.publish[0].format: is missing: must be pem: a directory gets one PEM file for each key',
    ],
    [
      '{ directory: /a, format: jwks }',
      'keysets.api.publish[0].format: must be pem: a directory gets one PEM file for each key, got "jwks"',
    ],
    [
      '{ directory: a, format: pem }',
      'keysets.api.publish[0].directory: must be an absolute path (it begins with /), got "a"',
    ],
    [
      '{ directory: /a, format: pem, url: "https://id.example" }',
      'keysets.api.publish[0].url: unknown field; known here: directory, format, mode, allowShared',
    ],
    [
      '{ directory: /a, file: /b }',
      'keysets.api.publish[0]: must be a map with exactly one of file, directory or command, such as { file: /srv/jwks/jwks.json }, got file and directory',
    ],
  ])('%s is refused', async (outlet, problem) => {
    expect(await keysetProblems('maxTokenTtl: 24h', `publish: [ ${outlet} ]`)).toEqual([
      expect.stringContaining(problem),
    ]);
  });

  test('has a directory of its own', async () => {
    const text = `keysets:
  a: { maxTokenTtl: 1h, publish: [ { directory: /keys/, format: pem }, { file: /keys/jwks.json } ] }
  b: { maxTokenTtl: 1h, publish: [ { directory: /x/../keys, format: pem }, { file: /srv/b/jwks.json } ] }
  c: { maxTokenTtl: 1h, publish: [ { directory: /srv/b, format: pem } ], deliver: [ { file: /keys/sub/key } ] }
`;
    const first = '/keys, which is already written by keysets.a.publish[0]';
    expect(await problems(text)).toEqual([
      `FILE:2:80: keysets.a.publish[1].file: /keys/jwks.json lies in ${first}; each outlet needs a file of its own`,
      'FILE:3:49: keysets.b.publish[0].directory: /keys is already written by keysets.a.publish[0]; each outlet needs a directory of its own',
      'FILE:4:49: keysets.c.publish[0].directory: /srv/b holds /srv/b/jwks.json, which is already written by keysets.b.publish[1]; each outlet needs a directory of its own',
    ]);
  });
});

describe('An outlet does not overwrite', () => {
  test('the KEK, the store or the configuration itself', async () => {
    const path = join(await newDirectory(), 'jwtrot.yaml');
    await write(
      path,
      `store: { type: directory, path: /var/lib/jwtrot/store }
keysets:
  api:
    maxTokenTtl: 1h
    publish:
      - { file: /var/lib/jwtrot/kek }
      - { file: /var/lib/jwtrot/store/jwks.json }
      - { file: ${path} }
      - { directory: /var/lib/jwtrot/store/, format: pem }
      - { directory: /var/lib/jwtrot, format: pem }
`,
    );
    const error = await failure(loadConfiguration({ path, env: {}, uid: UID, home: '/root' }));
    expect(error.message.split('\n').slice(1)).toEqual([
      `${path}:6:17: keysets.api.publish[0].file: /var/lib/jwtrot/kek is the KEK; each outlet needs a file of its own`,
      `${path}:7:17: keysets.api.publish[1].file: /var/lib/jwtrot/store/jwks.json must not lie in the store's directory /var/lib/jwtrot/store`,
      `${path}:8:17: keysets.api.publish[2].file: ${path} is the configuration itself; each outlet needs a file of its own`,
      `${path}:9:22: keysets.api.publish[3].directory: /var/lib/jwtrot/store must not lie in the store's directory /var/lib/jwtrot/store`,
      `${path}:10:22: keysets.api.publish[4].directory: /var/lib/jwtrot holds /var/lib/jwtrot/kek, which is the KEK; each outlet needs a directory of its own`,
    ]);
  });
});
