import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { importJWK, jwtVerify } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { tokenSigner } from '../../src/keys/sign-token.js';
import { ALGORITHM_NAMES, type Algorithm } from '../../src/keyset/basics/algorithm.js';
import { runAll } from '../e2e/scene.js';
import { World } from '../e2e/world.js';
import { PYTHON } from '../languages/programs.js';
import { versionOf } from './debian.js';
import { OpenSsl } from './openssl.js';

const PROGRAM = fileURLToPath(new URL('algorithms.py', import.meta.url));

/** What jwtrot published and delivered for one algorithm, and a token as a canary is made. */
interface Case {
  readonly alg: Algorithm;
  readonly token: string;
  readonly jwk: Record<string, string>;
  readonly pem: string;
  readonly privateJwk: Record<string, string>;
  readonly privatePem: string;
}

interface Tried {
  readonly verifies: string | { readonly error: string };
  readonly signs: string | { readonly error: string };
}
const WAYS = ['PyJWT jwk', 'PyJWT pem', 'jwcrypto jwk', 'jwcrypto pem'] as const;
type Answer = Readonly<Record<(typeof WAYS)[number], Tried>>;

/** What is not known, by version. Everything else works: see below. */
const UNKNOWN: Readonly<Record<string, { readonly version: string; readonly algorithms: readonly Algorithm[] }>> = {
  PyJWT: { version: '2.6.0', algorithms: ['Ed25519'] },
  jwcrypto: { version: '1.1.0', algorithms: ['Ed25519'] },
};

const world = new World();
const cases = new Map<Algorithm, Case>();
const answers = new Map<Algorithm, Answer>();

beforeAll(async () => {
  world.folderFor('public');
  world.folderFor('private');
  world.configure({
    store: { type: 'directory', path: world.path('store') },
    wrap: { type: 'local', kek: { file: world.path('kek') } },
    keysets: Object.fromEntries(ALGORITHM_NAMES.map((alg) => [alg.toLowerCase(), keysetOf(alg)])),
  });
  await runAll({ world }, 'rotate');
  for (const alg of ALGORITHM_NAMES) cases.set(alg, await caseOf(alg));
  const said = execFileSync(PYTHON, [PROGRAM], { input: JSON.stringify([...cases.values()]), encoding: 'utf8' });
  const all = JSON.parse(said) as Answer[];
  for (const [i, alg] of ALGORITHM_NAMES.entries()) answers.set(alg, all[i] as Answer);
  return () => world.close();
});

const file = (folder: 'public' | 'private', name: string) => world.path(`${folder}/${name}`);

function keysetOf(alg: Algorithm): object {
  return {
    alg,
    maxTokenTtl: '1h',
    publish: [{ file: file('public', `${alg}.json`) }, { file: file('public', `${alg}.pem`), format: 'pem' }],
    deliver: ['jwk', 'pem'].map((format) => ({ file: file('private', `${alg}.${format}`), format, allowDisk: true })),
  };
}

async function caseOf(alg: Algorithm): Promise<Case> {
  const read = (folder: 'public' | 'private', end: string) => readFileSync(file(folder, `${alg}.${end}`), 'utf8');
  const { keys } = JSON.parse(read('public', 'json')) as { keys: Record<string, string>[] };
  const { jwtrot: _, ...privateJwk } = JSON.parse(read('private', 'jwk'));
  const privatePem = read('private', 'pem');
  const der = createPrivateKey(privatePem).export({ format: 'der', type: 'pkcs8' });
  const sign = tokenSigner(der, { kid: privateJwk.kid, alg });
  const token = await sign({ sub: 'from jwtrot', exp: Math.floor(Date.now() / 1000) + 600 }, null);
  return { alg, token, jwk: keys[0] ?? {}, pem: read('public', 'pem'), privateJwk, privatePem };
}

/** The subject of a token that the published key verifies. */
async function subjectOf(token: string, { jwk, alg }: Case): Promise<unknown> {
  const { payload } = await jwtVerify(token, await importJWK(jwk, alg), { algorithms: [alg] });
  return payload.sub;
}

const here = (alg: Algorithm) => cases.get(alg) as Case;

describe.each(ALGORITHM_NAMES)('%s', (alg) => {
  it.each(WAYS)('%s', async (way) => {
    const [library = ''] = way.split(' ');
    const { verifies, signs } = (answers.get(alg) as Answer)[way];
    if (UNKNOWN[library]?.algorithms.includes(alg)) {
      expect({ verifies, signs }).toEqual({
        verifies: { error: expect.any(String) },
        signs: { error: expect.any(String) },
      });
      return;
    }
    expect(verifies).toBe('from jwtrot');
    expect(await subjectOf(String(signs), here(alg))).toBe(`from ${library}`);
  });

  it('openssl', async () => {
    const openssl = new OpenSsl(world.folderFor('openssl'));
    const { token, pem, privatePem } = here(alg);
    expect(openssl.verifies(alg, pem, token)).toBe(true);
    const [header, , signature] = token.split('.');
    expect(openssl.verifies(alg, pem, `${header}.e30.${signature}`)).toBe(false);
    expect(await subjectOf(openssl.sign(alg, privatePem, { sub: 'from openssl' }), here(alg))).toBe('from openssl');
  });
});

it('what is not known is not known to these versions', () => {
  const versions = { PyJWT: versionOf('python3-jwt'), jwcrypto: versionOf('python3-jwcrypto') };
  expect(versions).toEqual(Object.fromEntries(Object.entries(UNKNOWN).map(([name, { version }]) => [name, version])));
  expect(OpenSsl.version()).toMatch(/^OpenSSL 3\./);
});
