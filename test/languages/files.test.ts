import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { decodeJwt } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { until, World } from '../e2e/world.js';
import { jwkOf, jwksOf, newKey, published, type TestKey } from '../keyring/support.js';
import { type Changes, LANGUAGES, type Program, startProgram } from './programs.js';
import { tokenOf } from './tokens.js';

/** As jwtrot writes: as a whole. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

const membersOf = (key: TestKey) => JSON.parse(jwkOf(key)) as Record<string, string>;

/** They look ten times a second. */
const OFTEN = {
  python: { signer: [['EVERY = 1 ', 'EVERY = 0.1 ']], verifier: [['else 1 ', 'else 0.1 ']] },
  go: { signer: [['= time.Second', '= time.Second / 10']], verifier: [['= time.Second', '= time.Second / 10']] },
} as const;

/** Of the curve, and of no key here: the example of RFC 7517 appendix A.1. */
const POINT = {
  x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
  y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
};

const UNPUBLISHED = 'a key that is not in the JWKS';

/** What a key file may hold instead of a key. */
const BAD_KEYS: Readonly<Record<string, (key: TestKey) => string | null>> = {
  'half of it': (key) => jwkOf(key).slice(0, 150),
  nothing: () => '',
  'a public key': (key) => JSON.stringify(published(key)),
  'a key for another alg': (key) => JSON.stringify({ ...membersOf(key), alg: 'RS256' }),
  'a key for HS256': (key) => JSON.stringify({ ...membersOf(key), alg: 'HS256' }),
  'a key without its type': (key) => JSON.stringify({ ...membersOf(key), kty: undefined }),
  [UNPUBLISHED]: jwkOf,
  'halves of two keys': (key) => JSON.stringify({ ...membersOf(key), ...POINT }),
  'no file': () => null,
};

/** What a JWKS file may hold instead of a JWKS. */
const BAD_SETS: Readonly<Record<string, (key: TestKey) => string | null>> = {
  'half of it': (key) => jwksOf(key).slice(0, 100),
  nothing: () => '',
  'no list': () => '{}',
  'a private key': (key) => JSON.stringify({ keys: [membersOf(key)] }),
  'a secret': (key) =>
    JSON.stringify({ keys: [published(key), { kty: 'oct', k: 'c2VjcmV0', kid: 'x', alg: 'HS256' }] }),
  'two keys of one kid': (key) => jwksOf(key, key),
  'a key without kid': (key) => JSON.stringify({ keys: [{ ...published(key), kid: undefined }] }),
  'a damaged key': (key) => JSON.stringify({ keys: [{ ...published(key), y: 'AAAA' }] }),
  'too much': (key) => jwksOf(key).padEnd(300_000),
  'no file': () => null,
};

describe.each(LANGUAGES)('%s', (language) => {
  const world = new World();
  const [keyFile, jwks] = [`${world.folderFor('private')}/api.jwk`, `${world.folderFor('public')}/jwks.json`];
  const FOLDERS: Changes = [
    ['/run/jwtrot', world.path('private')],
    ['/srv/jwks', world.path('public')],
  ];
  const started: Program[] = [];
  beforeAll(() => async () => {
    await Promise.all(started.map((program) => program.end()));
    await world.close();
  });
  const start = async (role: 'signer' | 'verifier', changes: Changes) => {
    const program = await startProgram(language, role, world.path(`${role}-${started.length}`), [
      ...OFTEN[language][role],
      ...changes,
    ]);
    started.push(program);
    return program;
  };
  /** Puts it there, and waits until the program has said that it can't be used. */
  const spoil = async (program: Program, path: string, text: string | null) => {
    const before = program.said();
    if (text === null) rmSync(path);
    else writeFileSync(path, text);
    await until(() => program.said().slice(before.length).includes("can't be used"), program.said());
  };

  describe('the signer', () => {
    let signer: Program;
    beforeAll(async () => {
      signer = await start('signer', FOLDERS);
    });

    it.each(Object.keys(BAD_KEYS))('keeps its key when the file holds %s, and takes the next one', async (what) => {
      const [good, bad] = [await newKey(), await newKey()];
      replace(jwks, what === UNPUBLISHED ? jwksOf(good) : jwksOf(good, bad));
      replace(keyFile, jwkOf(good));
      const signsWith = async (kid: string) => (await signer.get('/healthz')).body.kid === kid;
      await until(() => signsWith(good.kid), 'the good key');
      await spoil(signer, keyFile, BAD_KEYS[what]?.(bad) ?? null);
      expect(await signsWith(good.kid)).toBe(true);
      expect((await signer.get('/token')).status).toBe(200);
      expect(signer.said()).not.toContain(membersOf(bad)['d']);
    });
  });

  describe('the life of a token', () => {
    it.each([
      [undefined, 900],
      [{ keyset: 'api', maxTokenTtl: 600 }, 600],
      [{ keyset: 'api', maxTokenTtl: 86_400 }, 900],
    ])('signs for as long as a JWK with %o allows', async (jwtrot, life) => {
      const key = await newKey();
      replace(jwks, jwksOf(key));
      replace(keyFile, JSON.stringify({ ...membersOf(key), jwtrot }));
      const signer = await start('signer', FOLDERS);
      await until(async () => (await signer.get('/healthz')).status === 200, 'the key');
      const { iat = 0, exp = 0 } = decodeJwt((await signer.get('/token')).body.token ?? '');
      expect(exp - iat).toBe(life);
    });
  });

  describe('the verifier', () => {
    let verifier: Program;
    beforeAll(async () => {
      verifier = await start('verifier', [['/srv/jwks', world.path('public')]]);
    });
    const holds = async (program: Program, kids: string[]) =>
      JSON.stringify((await program.get('/healthz')).body.kids) === JSON.stringify(kids);

    it.each(Object.keys(BAD_SETS))('keeps its keys when the file holds %s, and takes the next ones', async (what) => {
      const [good, bad] = [await newKey(), await newKey()];
      replace(jwks, jwksOf(good));
      await until(() => holds(verifier, [good.kid]), 'the good key');
      await spoil(verifier, jwks, BAD_SETS[what]?.(bad) ?? null);
      expect(await holds(verifier, [good.kid])).toBe(true);
      expect((await verifier.get('/check', await tokenOf(good))).status).toBe(200);
      expect((await verifier.get('/check', await tokenOf(bad))).status).toBe(401);
      expect(verifier.said()).not.toContain(membersOf(bad)['d']);
    });

    it('takes an empty set, and leaves out what is not for it', async () => {
      replace(jwks, jwksOf());
      await until(() => holds(verifier, []), 'no key');
      const key = await newKey();
      expect((await verifier.get('/check', await tokenOf(key))).status).toBe(401);
      const others = [
        { ...published(key), kid: 'a', alg: 'ES256K' },
        { kty: 'AKP', kid: 'b', alg: 'ML-DSA-44', pub: 'AA' },
      ];
      replace(jwks, JSON.stringify({ keys: [...others, published(key)] }));
      await until(() => holds(verifier, [key.kid]), 'the one key');
    });

    it('trusts nothing for longer than jwksMaxAge, and answers 503 then', async () => {
      const soon: Changes = language === 'go' ? [['time.Hour ', '2 * time.Second ']] : [['AFTER = 3600', 'AFTER = 2']];
      const key = await newKey();
      replace(jwks, jwksOf(key));
      const hasty = await start('verifier', [['/srv/jwks', world.path('public')], ...soon]);
      await until(() => holds(hasty, [key.kid]), 'the key');
      const token = await tokenOf(key);
      await spoil(hasty, jwks, null);
      expect((await hasty.get('/check', token)).status).toBe(200);
      await until(async () => (await hasty.get('/healthz')).status === 503, 'it is stale');
      expect((await hasty.get('/check', token)).status).toBe(503);
      replace(jwks, jwksOf(key));
      await until(() => holds(hasty, [key.kid]), 'the key is back');
      expect((await hasty.get('/check', token)).status).toBe(200);
    });
  });
});
