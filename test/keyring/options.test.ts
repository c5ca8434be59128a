import { afterAll, describe, expect, it } from 'vitest';
import { codeOf, World } from './support.js';

const world = new World();
afterAll(() => world.end());

const FILES = { files: { jwks: '/srv/jwks.json', key: '/run/key.jwk' } };
const URL_ONLY = { role: 'verifier', from: { jwks: 'https://id.example/jwks.json' } };

async function wrong(options: object): Promise<string> {
  const opening = world.open({ from: FILES, ...options } as never);
  const error = await opening.then(
    () => new Error('it opened'),
    (failure: Error) => failure,
  );
  expect(await codeOf(Promise.reject(error))).toBe('bad-options');
  return error.message;
}

describe('options that can not work', () => {
  it.each([
    [{ keyset: 'API' }, 'keyset must be'],
    [{ role: 'signing' }, 'role must be'],
    [{ from: {} }, 'from must be'],
    [{ from: { config: 'jwtrot.yaml' } }, 'from.config must be an absolute path'],
    [{ from: { config: '/c' }, reloadOn: 'change' }, 'for files alone'],
    [{ from: { ...FILES, jwks: 'https://id.example' } }, 'from must be'],
    [{ from: { files: { jwks: 'jwks.json', key: '/k' } } }, 'from.files.jwks must be an absolute path'],
    [{ from: { files: { jwks: '/j' } } }, 'from.files.key must be an absolute path'],
    [{ role: 'verifier' }, 'from.files.key is for signers'],
    [{ from: { files: { ...FILES.files, cert: '/c' } } }, 'nothing else'],
    [{ from: URL_ONLY.from }, "from.jwks is for role 'verifier'"],
    [{ role: 'verifier', from: { jwks: 'http://id.example/jwks.json' } }, 'https:'],
    [{ role: 'verifier', from: { jwks: 'http://127.0.0.1.id.example/jwks.json' } }, 'https:'],
    [{ role: 'verifier', from: { jwks: 'https://u:p@id.example/jwks.json' } }, 'without a user'],
    [{ role: 'verifier', from: { jwks: 'file:///etc/passwd' } }, 'https:'],
    [{ ...URL_ONLY, reloadOn: 'change' }, 'for files alone'],
    [{ reloadOn: 'SIGUSR1' }, 'reloadOn must be'],
    [{ refresh: 300 }, 'refresh must be a duration'],
    [{ refresh: '1x' }, 'refresh must be a duration'],
    [{ cooldown: '0s' }, 'cooldown must be at least 1s'],
    [{ staleAfter: '1s' }, 'staleAfter must be at least 10s'],
    [{ staleAfter: '1h', refresh: '1h' }, 'refresh 1h is not shorter'],
    [{ maxTokenTtl: '9999d' }, 'maxTokenTtl must be at most'],
    [{ algorithms: ['HS256'] }, 'algorithms must be a list'],
    [{ algorithms: [] }, 'algorithms must be a list'],
    [{ refreshEvery: '5m' }, '"refreshEvery" is no option'],
  ])('%j: %s', async (options, part) => expect(await wrong(options)).toContain(part));

  it('are all said at once', async () => {
    expect((await wrong({ keyset: '', role: '', cooldown: 'x' })).split('; ')).toHaveLength(3);
  });

  it('leave neither a timer nor a handler', async () => {
    await wrong({ reloadOn: ['SIGHUP', 'change'], staleAfter: '20s', refresh: '1m' });
    expect([world.timers.size, world.hangups.size]).toEqual([0, 0]);
  });
});
