import { createHmac, createPublicKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { World } from '../e2e/world.js';
import { jwksOf, newKey, published, type TestKey } from '../keyring/support.js';
import { LANGUAGES, type Program, startProgram } from './programs.js';
import { NOW, tokenOf, withHeader } from './tokens.js';

type Forge = (key: TestKey, other: TestKey) => string | Promise<string>;

function signedWithPublicKey(secretOf: (key: TestKey) => string | Buffer): Forge {
  return async (key) =>
    withHeader(await tokenOf(key), { alg: 'HS256', kid: key.kid }, (text) =>
      createHmac('sha256', secretOf(key)).update(text).digest('base64url'),
    );
}
const spki = ({ publicJwk }: TestKey) => createPublicKey({ key: { ...publicJwk }, format: 'jwk' });

const FORGED: Readonly<Record<string, Forge>> = {
  'alg none': async (key) => withHeader(await tokenOf(key), { alg: 'none', kid: key.kid }, () => ''),
  'alg nOnE': async (key) => withHeader(await tokenOf(key), { alg: 'nOnE', kid: key.kid }, () => ''),
  'no alg': async (key) => withHeader(await tokenOf(key), { kid: key.kid }, () => ''),
  'the public key as a secret (PEM)': signedWithPublicKey((key) =>
    String(spki(key).export({ type: 'spki', format: 'pem' })),
  ),
  'the public key as a secret (DER)': signedWithPublicKey((key) => spki(key).export({ type: 'spki', format: 'der' })),
  'the public key as a secret (JWK)': signedWithPublicKey((key) => JSON.stringify(published(key))),
  'an unknown kid': (key) => tokenOf(key, { header: { kid: 'nobody' } }),
  'no kid': (key) => tokenOf(key, { header: { kid: undefined } }),
  'a kid that is a list': async (key) => withHeader(await tokenOf(key), { alg: key.alg, kid: [key.kid] }, () => 'AAAA'),
  "another key's kid": (key, other) => tokenOf(key, { header: { kid: other.kid } }),
  'a key of its own in the header': async (key) => {
    const own = await newKey(key.alg, key.kid);
    return tokenOf(own, { header: { jwk: own.publicJwk } });
  },
  'no signature': async (key) => `${(await tokenOf(key)).split('.').slice(0, 2).join('.')}.`,
  'other claims': async (key) => {
    const [header, , signature] = (await tokenOf(key)).split('.');
    return `${header}.${(await tokenOf(key, { claims: { sub: 'admin' } })).split('.')[1]}.${signature}`;
  },
  'no exp': (key) => tokenOf(key, { claims: { exp: undefined } }),
  'exp two minutes ago': (key) => tokenOf(key, { claims: { exp: NOW() - 120 } }),
  'nbf in two minutes': (key) => tokenOf(key, { claims: { nbf: NOW() + 120 } }),
  'another issuer': (key) => tokenOf(key, { claims: { iss: 'https://evil.example' } }),
  'no issuer': (key) => tokenOf(key, { claims: { iss: undefined } }),
  'another audience': (key) => tokenOf(key, { claims: { aud: 'admin' } }),
  'no audience': (key) => tokenOf(key, { claims: { aud: undefined } }),
  'no token': () => '',
  'three words': () => 'a.b.c',
  'brackets without end': () => `${Buffer.from('['.repeat(4000)).toString('base64url')}.e30.AAAA`,
  'bytes that are no text': () => `${Buffer.from([0xff, 0xfe, 0x7b]).toString('base64url')}.e30.AAAA`,
};
/** The keys of RSA would do for each of these. */
const OTHER_ALGS = ['RS384', 'RS512', 'PS256', 'PS512'];

const ACCEPTED: Readonly<Record<string, Forge>> = {
  'a token': (key) => tokenOf(key),
  'iat half a minute ahead': (key) => tokenOf(key, { claims: { iat: NOW() + 30, nbf: NOW() + 30 } }),
  'exp half a minute ago': (key) => tokenOf(key, { claims: { exp: NOW() - 30 } }),
  'several audiences': (key) => tokenOf(key, { claims: { aud: ['web', 'api'] } }),
};

describe.each(LANGUAGES)('%s', (language) => {
  const keys = new Map<string, TestKey>();
  let verifier: Program;
  beforeAll(async () => {
    const world = new World();
    for (const alg of ['RS256', 'ES256', 'EdDSA'] as const) keys.set(alg, await newKey(alg));
    writeFileSync(`${world.folderFor('public')}/jwks.json`, jwksOf(...keys.values()));
    verifier = await startProgram(language, 'verifier', world.path('verifier'), [['/srv/jwks', world.path('public')]]);
    return async () => {
      await verifier.end();
      await world.close();
    };
  });
  const ask = async (forge: Forge | undefined, alg: string) => {
    const [key, other] = [keys.get(alg), keys.get(alg === 'RS256' ? 'ES256' : 'RS256')];
    if (forge === undefined || key === undefined || other === undefined) throw new Error(`nothing for ${alg}`);
    return verifier.get('/check', await forge(key, other));
  };

  describe.each(['RS256', 'ES256', 'EdDSA'])('a key for %s', (alg) => {
    it.each(Object.keys(ACCEPTED))('accepts %s', async (what) => {
      expect(await ask(ACCEPTED[what], alg)).toEqual({ status: 200, body: { sub: 'u1' } });
    });

    it.each(Object.keys(FORGED))('refuses %s', async (what) => {
      expect(await ask(FORGED[what], alg)).toEqual({ status: 401, body: { error: 'token refused' } });
    });
  });

  it.each(OTHER_ALGS)('refuses %s with a key for RS256', async (alg) => {
    const forge: Forge = (key) => tokenOf(key, { header: { alg } });
    expect((await ask(forge, 'RS256')).status).toBe(401);
  });
});
