import { describe, expect, it } from 'vitest';
import { keysetProblems, problems } from './place.js';

const HEADER = { file: '"/etc/x\\nsecret"' };

describe('a path with a control character', () => {
  it.each([
    ['publish: [ { file: "/a\\nb" } ]', 'keysets.api.publish[0].file: must hold no control character, got "/a\\nb"'],
    ['deliver: [ { file: "/a\\rb" } ]', 'keysets.api.deliver[0].file: must hold no control character, got "/a\\rb"'],
    [
      'publish: [ { file: "/a\\0b" } ]',
      'keysets.api.publish[0].file: must hold no control character, got "/a\\u0000b"',
    ],
    ['publish: [ { file: "/a\\x1bb" } ]', 'must hold no control character, got "/a\\u001bb"'],
    ['publish: [ { file: "/a\\x7fb" } ]', 'must hold no control character, got "/a\\u007fb"'],
    ['publish: [ { file: "/a\\x85b" } ]', 'must hold no control character, got "/a\\u0085b"'],
    ['publish: [ { file: "/a\\u2028b" } ]', 'must hold no control character, got "/a\\u2028b"'],
    ['publish: [ { file: "/a\\ud800b" } ]', 'must hold no control character, got "/a\\ud800b"'],
    [
      'services: [ { name: a, role: verifier, reload: { signal: HUP, pidFile: "/run/a\\tb" } } ]',
      'reload.pidFile: must hold no control character, got "/run/a\\tb"',
    ],
    [
      'services: [ { name: a, role: verifier, health: { url: "unix:/run/a\\x01b:/healthz" } } ]',
      'health.url: must be such as "unix:/run/app.sock:/healthz", got "unix:/run/a\\u0001b:/healthz"',
    ],
    [
      'services: [ { name: a, role: verifier, health: { url: "http://a/", tls: { ca: "/a\\nb" } } } ]',
      'tls.ca: must hold no control character, got "/a\\nb"',
    ],
  ])('is refused: %s', async (yaml, expected) => {
    expect((await keysetProblems('maxTokenTtl: 1h', yaml)).join('\n')).toContain(expected);
  });

  it('is refused at the store and the KEK', async () => {
    const lines = await problems(
      'store: { type: directory, path: "/a\\nb" }\nwrap: { type: local, kek: { file: "/c\\nd" } }\nkeysets: { api: { maxTokenTtl: 1h } }\n',
    );
    const found = lines.join('\n');
    expect(found).toContain('store.path: must hold no control character, got "/a\\nb"');
    expect(found).toContain('wrap.kek.file: must hold no control character, got "/c\\nd"');
  });

  it('is not quoted where a secret may have been written in its place', async () => {
    const lines = await keysetProblems(
      `services: [ { name: a, role: verifier, health: { url: "http://a/", headers: { Authorization: { file: ${HEADER.file} } } } } ]`,
    );
    const found = lines.join('\n');
    expect(found).toContain('a value must be { file: /path }');
    expect(found).not.toContain('/etc/x');
  });
});
