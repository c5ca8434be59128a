import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { checkConfiguration } from '../../src/config/check.js';
import { readKeySet } from '../../src/keyring/key-set.js';
import { KeyringError } from '../../src/keyring/keyring-error.js';
import { readKeyFile } from '../../src/keyring/sources/key-file.js';
import { parseKey } from '../../src/keys/import-key.js';
import { decodeForReading, decodeManifest, encodeManifest } from '../../src/keyset/manifest/encoding.js';
import { readGiven } from '../../src/outlets/given.js';
import { readJwks } from '../../src/outlets/read-jwks.js';
import { sightOfText } from '../../src/outlets/sight.js';
import { createFileRecords } from '../../src/records/file-records.js';
import { readReport } from '../../src/services/health.js';
import type { JsonHealth, TokenHealth } from '../../src/services/health-kinds.js';
import { parseInstances } from '../../src/services/parse-instances.js';
import { readToken } from '../../src/services/token.js';
import { decodeKey, encodeKey } from '../../src/store/wrapped-key-record.js';
import { thumbprintOf } from '../keyset/story.js';

/** What reads from outside. It answers, or throws a `JwtrotError`; anything else is a failure. */
export interface Target {
  readonly name: string;
  /** Files of the corpus. */
  readonly corpus: readonly string[];
  /** Of all inputs. */
  readonly weight: number;
  read(input: Buffer): unknown;
}

class Lost extends Error {
  override readonly name = 'Lost';
}

function assertSame(one: unknown, two: unknown, what: string): void {
  if (!isDeepStrictEqual(one, two)) throw new Lost(`${what} is not what was read`);
}

const HEALTH: JsonHealth = {
  type: 'json',
  url: 'http://127.0.0.1/',
  kid: '/jwt/kid',
  kids: '/jwt/kids',
  preloaded: '/jwt/preloaded',
  headers: {},
  tls: { ca: null, cert: null, key: null },
  timeout: 1,
  deadline: 1,
  confirmations: 1,
  distinct: { pointer: '/worker', count: 1 },
};
const { kid: _, kids: _kids, preloaded: _preloaded, ...COMMON } = HEALTH;
const TOKEN: TokenHealth = { ...COMMON, type: 'token', method: 'POST', body: null, token: '/access_token' };
/** The key of the token in the corpus. */
const PUBLISHED = {
  kty: 'EC',
  crv: 'P-256',
  x: 'UHybtLYC-jgV3jyh5CRTT6o-sio9nCmcYrjMhBIUSSM',
  y: 'QGBUGl3xn604oEXADB3OrJKS0Nek91vGfaqfX19jpIc',
  kid: 'k1',
  alg: 'ES256',
  use: 'sig',
} as const;
const ADDRESS = { keyset: 'api', thumbprint: 'kQ3xPz0aJmB1c2d3e4f5g6h7i8j9k0l1m2n3o4p5q6r' };
const SURROUNDINGS = { env: {}, uid: 0, home: '/root' };

/** What the keyring refuses has a code, too. */
async function foreseen(read: () => Promise<unknown>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!(error instanceof KeyringError)) throw error;
  }
}

async function parsed(input: Buffer, kind: 'any' | 'pem' | 'jwk' | 'public'): Promise<void> {
  // It may be overwritten by who reads it.
  const key = await parseKey(Buffer.from(input), { kind });
  if (key.privateKey === null) return;
  const again = await parseKey(Buffer.from(`${pem(key.privateKey)}`), { kind: 'pem' });
  assertSame(again.thumbprint, key.thumbprint, 'the private key');
}

function pem(der: Uint8Array): string {
  return `-----BEGIN PRIVATE KEY-----\n${Buffer.from(der).toString('base64')}\n-----END PRIVATE KEY-----\n`;
}

/** @param folder for those that read a file; the caller removes it */
export function targetsIn(folder: string): Target[] {
  mkdirSync(join(folder, 'api'), { recursive: true });
  const records = createFileRecords({ folder, keyset: 'api' });
  return [
    {
      name: 'manifest',
      corpus: ['manifest.json'],
      weight: 20,
      async read(input) {
        const decode = (text: string) => decodeManifest(text, 'api', '/store/7.json', thumbprintOf);
        const manifest = await decode(input.toString());
        assertSame(await decode(encodeManifest(manifest)), manifest, 'the manifest');
      },
    },
    {
      name: 'manifest, for who only reads',
      corpus: ['manifest.json'],
      weight: 8,
      async read(input) {
        const of = ['api', '/store/7.json', thumbprintOf] as const;
        const { manifest, isWhole } = await decodeForReading(input.toString(), ...of);
        if (isWhole) assertSame(await decodeManifest(input.toString(), ...of), manifest, 'the manifest');
        else
          assertSame(await decodeManifest(encodeManifest(manifest), ...of), manifest, 'what was read of the manifest');
      },
    },
    {
      name: "the keyring's JWK Set",
      corpus: ['jwks.json', 'manifest.json'],
      weight: 8,
      read: (input) => foreseen(() => readKeySet(input.toString(), { algorithms: null, held: new Map() })),
    },
    {
      name: "the keyring's key file",
      corpus: ['rsa.jwk', 'ec.jwk', 'pkcs8.pem'],
      weight: 8,
      read: (input) => foreseen(async () => readKeyFile(Buffer.from(input), '/run/api.jwk')),
    },
    {
      name: 'wrapped key',
      corpus: ['key-jwe.json', 'key-kms.json'],
      weight: 15,
      read(input) {
        const key = decodeKey(ADDRESS, input.toString(), '/store/key.json');
        assertSame(decodeKey(ADDRESS, encodeKey(ADDRESS, key), ''), key, 'the wrapped key');
      },
    },
    {
      name: 'record of a keyset',
      corpus: ['record.json'],
      weight: 8,
      read(input) {
        writeFileSync(join(folder, 'api/0000000001.json'), input);
        return records.read();
      },
    },
    {
      name: 'record of a command outlet',
      corpus: ['given.json'],
      weight: 8,
      read(input) {
        writeFileSync(join(folder, 'given'), input);
        return readGiven(join(folder, 'given'));
      },
    },
    {
      name: 'JWK Set',
      corpus: ['jwks.json', 'manifest.json'],
      weight: 15,
      async read(input) {
        const text = input.toString();
        const read = await readJwks(text);
        await sightOfText(text, 'jwks');
        const entries = read === null ? [] : (JSON.parse(text) as { keys: unknown[] }).keys;
        const named = entries.filter((one) => typeof (one as { kid?: unknown } | null)?.kid === 'string');
        const kids = named.map((one) => (one as { kid: string }).kid).filter((kid) => kid !== '');
        const seen = read?.keys.flatMap(({ kid }) => kid ?? []) ?? [];
        assertSame(
          seen,
          kids.filter((_, i) => !Array.isArray(named[i])),
          'the set',
        );
      },
    },
    {
      name: 'published PEM',
      corpus: ['spki.pem'],
      weight: 4,
      read: (input) => sightOfText(input.toString(), 'pem'),
    },
    {
      name: 'health answer',
      corpus: ['health.json', 'jwks.json'],
      weight: 15,
      read: (input) => [readReport(HEALTH, input), readReport({ ...HEALTH, type: 'jwks' }, input)],
    },
    {
      name: 'token of a service',
      corpus: ['token.json'],
      weight: 8,
      read: (input) => readToken(TOKEN, input, { published: [PUBLISHED], asked: 0, clockSkew: 0 }),
    },
    {
      name: 'list of instances',
      corpus: ['instances.json'],
      weight: 5,
      read: (input) => parseInstances(input.toString()),
    },
    {
      name: 'JWK',
      corpus: ['ec.jwk', 'ed.jwk', 'rsa.jwk', 'public.jwk', 'jwks.json'],
      weight: 8,
      read: (input) => parsed(input, 'any'),
    },
    {
      name: 'PEM',
      corpus: ['pkcs8.pem', 'sec1.pem', 'rsa.pem', 'spki.pem', 'certificate.pem'],
      weight: 6,
      read: (input) => parsed(input, 'any'),
    },
    {
      name: 'configuration',
      corpus: ['configuration.yaml'],
      weight: 3,
      read: (input) => checkConfiguration(input.toString(), '/etc/jwtrot/jwtrot.yaml', SURROUNDINGS),
    },
  ];
}
