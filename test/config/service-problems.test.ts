import { describe, expect, test } from 'vitest';
import { keysetProblems, problems } from './place.js';

/** `line` stands in a service, at line 5, from column 9. */
async function serviceProblems(line: string, role = 'both'): Promise<string[]> {
  const lines = await keysetProblems(
    'maxTokenTtl: 24h',
    'services:',
    `  - ${line}`,
    '    name: a',
    `    role: ${role}`,
  );
  return lines.map((text) => text.replace('keysets.api.services[0]', 'SERVICE'));
}

const URL_HINT = 'must be an http:, https: or unix: URL such as "http://127.0.0.1:8000/healthz"';

describe('A reload', () => {
  test.each([
    [
      'reload: nnone',
      ':5:17: SERVICE.reload: must be a map with exactly one of systemd, command, signal, http or none, such as { systemd: issuer.service }, got text',
    ],
    [
      'reload: { sytemd: a.service }',
      ':5:17: SERVICE.reload: must be a map with exactly one of systemd, command, signal, http or none, such as { systemd: issuer.service }, got none of them, did you mean "systemd"?',
    ],
    [
      'reload: { systemd: a.service, http: "http://h/" }',
      ':5:17: SERVICE.reload: must be a map with exactly one of systemd, command, signal, http or none, such as { systemd: issuer.service }, got systemd and http',
    ],
    [
      'reload: { systemd: issuer }',
      ':5:28: SERVICE.reload.systemd: must be a systemd unit such as issuer.service, got "issuer"',
    ],
    [
      'reload: { systemd: --now.service }',
      ':5:28: SERVICE.reload.systemd: must be a systemd unit such as issuer.service, got "--now.service"',
    ],
    [
      'reload: { systemd: a.service, action: stop }',
      ':5:47: SERVICE.reload.action: must be start, reload, restart or reload-or-restart, got "stop"',
    ],
    [
      'reload: { systemd: a.service, timeout: 0s }',
      ':5:48: SERVICE.reload.timeout: must be above 0s and at most 1d, got 0s',
    ],
    [
      'reload: { systemd: a.service, timeout: 25h }',
      ':5:48: SERVICE.reload.timeout: must be above 0s and at most 1d, got 1d1h',
    ],
    [
      'reload: { command: systemctl reload a }',
      ':5:28: SERVICE.reload.command: must be a list of the program and its arguments such as [/usr/bin/systemctl, reload, api], got text',
    ],
    [
      'reload: { command: [] }',
      ':5:28: SERVICE.reload.command: must be a list of the program and its arguments such as [/usr/bin/systemctl, reload, api], got an empty list',
    ],
    [
      'reload: { command: [bin/reload] }',
      ':5:28: SERVICE.reload.command: the program must be an absolute path or a bare name that is found in the fixed PATH, got "bin/reload"',
    ],
    [
      'reload: { command: [./reload] }',
      ':5:28: SERVICE.reload.command: the program must be an absolute path or a bare name that is found in the fixed PATH, got "./reload"',
    ],
    ['reload: { command: [kill, 1] }', ':5:35: SERVICE.reload.command[1]: must be text (numbers in quotes), got 1'],
    [
      'reload: { command: [x, "{address}"] }',
      ':5:32: SERVICE.reload.command[1]: {address} needs instances: [ { name, address } ], { dns, port } or { command }',
    ],
    [
      'reload: { command: [x], env: [TOKEN=topsecret] }',
      ':5:39: SERVICE.reload.env[0]: must be the name of an environment variable, without its value',
    ],
    [
      'reload: { signal: KILL, pidFile: /p }',
      ':5:27: SERVICE.reload.signal: must be HUP, USR1, USR2, WINCH, CONT, INT, QUIT or TERM, got "KILL"',
    ],
    [
      'reload: { signal: HUP }',
      ':5:9: SERVICE.reload.pidFile: is missing: must be an absolute path (it begins with /)',
    ],
    ['reload: { signal: HUP, pid: 1 }', ':5:37: SERVICE.reload.pid: must be a whole number from 2 to 4194304, got 1'],
    ['reload: { signal: HUP, pid: 2, pidFile: /p }', ':5:17: SERVICE.reload: pidFile and pid exclude each other'],
    [
      'reload: { signal: HUP, pidFile: run/a.pid }',
      ':5:41: SERVICE.reload.pidFile: must be an absolute path (it begins with /), got "run/a.pid"',
    ],
    [
      'reload: { http: "http://{address}/r" }',
      ':5:25: SERVICE.reload.http: {address} needs instances: [ { name, address } ], { dns, port } or { command }',
    ],
    [
      'reload: { http: "http://h/", method: DELETE }',
      ':5:46: SERVICE.reload.method: must be POST, PUT or GET, got "DELETE"',
    ],
  ])('%s is refused', async (line, problem) => {
    expect(await serviceProblems(line)).toEqual([`FILE${problem}`]);
  });
});

describe('A health', () => {
  test.each([
    ['health: {}', ':5:9: SERVICE.health.url: is missing: ', URL_HINT],
    ['health: { url: "ftp://h/" }', ':5:24: SERVICE.health.url: ', `${URL_HINT}, got "ftp://h/"`],
    ['health: { url: "http://" }', ':5:24: SERVICE.health.url: ', `${URL_HINT}, got "http://"`],
    [
      'health: { url: "http://h:99999/?key=topsecret" }',
      ':5:24: SERVICE.health.url: ',
      `${URL_HINT}, got "http://h:99999/…"`,
    ],
    [
      'health: { url: "unix:run/a.sock:/x" }',
      ':5:24: SERVICE.health.url: ',
      'must be such as "unix:/run/app.sock:/healthz", got "unix:run/a.sock:/x"',
    ],
    [
      'health: { url: "http://me:topsecret@h/" }',
      ':5:24: SERVICE.health.url: ',
      'must not hold a user or password: a secret never belongs here; use headers with a file',
    ],
    [
      'health: { url: "http://{adress}/" }',
      ':5:24: SERVICE.health.url: ',
      'only {name} and {address} are filled in, got "{adress}", did you mean "{address}"?',
    ],
    [
      'health: { url: "http://{address}/" }',
      ':5:24: SERVICE.health.url: ',
      '{address} needs instances: [ { name, address } ], { dns, port } or { command }',
    ],
    [
      'health: { url: "http://h/", kid: jwt.kid }',
      ':5:42: SERVICE.health.kid: ',
      'must be a JSON pointer (RFC 6901) such as /jwt/kid, got "jwt.kid"',
    ],
    [
      'health: { url: "http://h/", kids: /a~2 }',
      ':5:43: SERVICE.health.kids: ',
      'must be a JSON pointer (RFC 6901) such as /jwt/kid, got "/a~2"',
    ],
    [
      'health: { url: "http://h/", type: jwks }',
      ':5:43: SERVICE.health.type: ',
      'must be json for role both: a JWK Set does not say which key signs; jwks is for role verifier alone',
    ],
    [
      'health: { url: "http://h/", confirmations: 0 }',
      ':5:52: SERVICE.health.confirmations: ',
      'must be a whole number from 1 to 100, got 0',
    ],
    [
      'health: { url: "http://h/", distinct: { pointer: /w } }',
      ':5:37: SERVICE.health.distinct.count: ',
      'is missing: must be a whole number from 1 to 1000',
    ],
    [
      'health: { url: "http://h/", tls: { cert: /c.pem } }',
      ':5:42: SERVICE.health.tls: ',
      'cert and key are given together',
    ],
    [
      'health: { url: "http://h/", deadlin: 1m }',
      ':5:37: SERVICE.health.deadlin: ',
      'unknown field, did you mean "deadline"?',
    ],
  ])('%s is refused', async (line, place, message) => {
    expect(await serviceProblems(line)).toEqual([`FILE${place}${message}`]);
  });

  test('of type jwks takes no pointers, and says so of each', async () => {
    const line = 'health: { url: "http://h/", type: jwks, kid: /k, kids: /k, preloaded: /p }';
    const why = 'is for type json, and this is of type jwks';
    expect(await serviceProblems(line, 'verifier')).toEqual([
      `FILE:5:54: SERVICE.health.kid: ${why}`,
      `FILE:5:64: SERVICE.health.kids: ${why}`,
      `FILE:5:79: SERVICE.health.preloaded: ${why}`,
    ]);
  });

  test('of an unknown type is checked as far as all types are alike', async () => {
    expect(await serviceProblems('health: { url: "ftp://h/", type: jwk, kid: 5, timeout: 0s }')).toEqual([
      `FILE:5:24: SERVICE.health.url: ${URL_HINT}, got "ftp://h/"`,
      'FILE:5:42: SERVICE.health.type: must be json, jwks, token or canary, got "jwk", did you mean "jwks"?',
      'FILE:5:64: SERVICE.health.timeout: must be above 0s and at most 1d, got 0s',
    ]);
  });

  test('of a verifier has nothing preloaded', async () => {
    expect(await serviceProblems('health: { url: "http://h/", preloaded: /p }', 'verifier')).toEqual([
      'FILE:5:48: SERVICE.health.preloaded: is for a service that signs, and this one has role verifier',
    ]);
  });

  test('that is what publish reads back proves nothing', async () => {
    const lines = await keysetProblems(
      'maxTokenTtl: 24h',
      'publish: [ { file: /j, url: "https://h/jwks" } ]',
      'services: [ { name: a, role: verifier, health: { type: jwks, url: "https://h/jwks" } } ]',
    );
    expect(lines).toEqual([
      'FILE:5:71: keysets.api.services[0].health.url: this URL is read back by publish: it shows what was published, not what the verifier accepts; ask the verifier itself, or leave health out',
    ]);
  });
});

describe('Headers', () => {
  const NO_NAME = 'a name here is not the name of a header (RFC 9110)';
  const NO_VALUE = 'a value must be { file: /path }, or plain text where it is no secret';
  const NO_SECRET = 'the value of this header is a secret and must not stand here: name its file, { file: /path }';

  test.each([
    ['"Bearer topsecret"', 'must be a map from names of headers to { file: /path }'],
    ['[ "Authorization: topsecret" ]', 'must be a map from names of headers to { file: /path }'],
    ['{ Authorization: Bearer topsecret }', NO_SECRET],
    ['{ X-Api-Key: { value: topsecret } }', NO_SECRET],
    ['{ "Authorization: topsecret": x }', NO_NAME],
    ['{ X-Probe: [ topsecret ] }', NO_VALUE],
    ['{ X-Probe: 5 }', NO_VALUE],
    ['{ X-Probe: "a\\ntopsecret" }', NO_VALUE],
    ['{ X-Probe: { file: topsecret } }', NO_VALUE],
    ['{ X-Probe: { value: [ topsecret ] } }', NO_VALUE],
    ['{ X-Probe: { file: /f, topsecret: 1 } }', 'unknown field; known here: file'],
    ['{ X-Probe: a, X-Probe: topsecret }', 'is given twice in the same map'],
  ])('%s are refused, and nothing of them is shown', async (headers, message) => {
    const lines = await serviceProblems(`health: { url: "http://h/", headers: ${headers} }`);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^FILE:5:\d+: SERVICE\.health\.headers: /);
    expect(lines[0]?.split('headers: ')[1]).toBe(message.split('headers: ')[0]);
    expect(lines.join('\n')).not.toContain('topsecret');
  });

  test.each([
    '"Bearer topsecret',
    "'topsecret",
    '"\\qtopsecret"',
    '*topsecret',
    '!topsecret x',
    '| topsecret',
    '@topsecret',
    '{ topsecret',
    'a: topsecret',
  ])('of a file that is not YAML (%s) are not shown either', async (value) => {
    const lines = await problems(`keysets:\n  api:\n    headers: ${value}\n`);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join('\n')).not.toContain('topsecret');
  });
});

describe('Instances and names', () => {
  test.each([
    [
      'instances: []',
      ':5:20: SERVICE.instances: must be a list of instances such as [ { name: a, address: "10.0.0.1:8080" } ], got an empty list',
    ],
    [
      'instances: [ { name: a, address: 10.0.0.1 } ]',
      ':5:42: SERVICE.instances[0].address: must be host:port such as "10.0.0.1:8080", got "10.0.0.1"',
    ],
    [
      'instances: [ { name: a, address: "h:65536" } ]',
      ':5:42: SERVICE.instances[0].address: must be host:port such as "10.0.0.1:8080", got "h:65536"',
    ],
    ['instances: [ { name: a }, { name: a } ]', ':5:20: SERVICE.instances: two instances have the same name'],
    [
      'instances: { dns: api.internal }',
      ':5:9: SERVICE.instances.port: is missing: must be a whole number from 1 to 65535',
    ],
    [
      'instances: api.internal',
      ':5:20: SERVICE.instances: must be a map with exactly one of dns or command, such as { dns: api.internal, port: 8080 }, or a list of { name, address }, got text',
    ],
    [
      'instances: { command: [list/it] }',
      ':5:31: SERVICE.instances.command: the program must be an absolute path or a bare name that is found in the fixed PATH, got "list/it"',
    ],
  ])('%s is refused', async (line, problem) => {
    expect(await serviceProblems(line)).toEqual([`FILE${problem}`]);
  });

  test('{address} needs an address for each listed instance', async () => {
    const health = 'health: { url: "http://{address}/" }';
    const lines = await keysetProblems(
      'maxTokenTtl: 1h',
      `services: [ { name: a, role: both, instances: [ { name: b } ], ${health} } ]`,
    );
    expect(lines).toEqual([
      'FILE:4:83: keysets.api.services[0].health.url: {address} needs an address for each of the instances',
    ]);
  });

  test('two services of a keyset have different names', async () => {
    expect(
      await keysetProblems('maxTokenTtl: 1h', 'services: [ { name: a, role: both }, { name: a, role: both } ]'),
    ).toEqual(['FILE:4:50: keysets.api.services[1].name: another service of this keyset has the same name']);
  });
});
