import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { toPkcs8Pem, toPrivateJwk } from '../../src/keys/private-key.js';
import { toSpkiPem } from '../../src/keys/public-key.js';
import { type Holding, jwkSetText, type OutletContent } from '../../src/keyset/published/jwk-set.js';
import { newPair, type TestPair } from '../support/manifest.js';
import { contentOf, diskFolder, memoryFolder, portOf, toFile, toSecret } from './support.js';

let one: TestPair;
let content: OutletContent;
let text: string;
beforeAll(async () => {
  one = await newPair();
  content = contentOf(1, [one, await newPair()]);
  text = jwkSetText(content.jwks);
});

async function seen(path: string, changes: Parameters<typeof toFile>[1] = {}): Promise<Holding> {
  const [holding] = await portOf({ publish: [toFile(path, changes)] }).observe(2_000);
  return holding as Holding;
}

async function seenSecret(path: string, changes: Parameters<typeof toSecret>[1] = {}): Promise<Holding> {
  const [holding] = await portOf({ deliver: [toSecret(path, changes)] }).observe(2_000);
  return holding as Holding;
}

describe('what a published file holds', () => {
  it('is its keys, by kid and thumbprint, and whether it is as jwtrot writes it', async () => {
    const path = join(diskFolder(), 'jwks.json');
    writeFileSync(path, text);
    chmodSync(path, 0o644);
    expect(await seen(path)).toEqual({
      outlet: path,
      kind: 'publish',
      format: 'jwks',
      keys: content.jwks.keys.map(({ kid }) => ({ kid, thumbprint: kid })),
      intact: true,
    });
    expect(await seen(path, { mode: 0o640 })).toMatchObject({ intact: false });
  });

  it('is nothing when the file or its directory is not there', async () => {
    const folder = diskFolder();
    expect(await seen(join(folder, 'jwks.json'))).toMatchObject({ keys: null, intact: false });
    expect(await seen(join(folder, 'absent', 'jwks.json'))).toMatchObject({ keys: null, intact: false });
  });

  it('is read through a symbolic link', async () => {
    const folder = diskFolder();
    writeFileSync(join(folder, 'real'), text, { mode: 0o644 });
    symlinkSync('real', join(folder, 'jwks.json'));
    expect((await seen(join(folder, 'jwks.json'))).keys).toHaveLength(2);
  });

  it('is never intact when it is half-written', async () => {
    const path = join(diskFolder(), 'jwks.json');
    for (const length of [0, 1, 20, 200, text.length - 2, text.length - 1]) {
      writeFileSync(path, text);
      truncateSync(path, length);
      const holding = await seen(path);
      expect(holding.intact).toBe(false);
      expect(holding.keys).not.toBeNull();
    }
  });

  it.each([
    ['another layout', () => JSON.stringify(content.jwks)],
    ['a private member', () => jwkSetText(content.jwks).replace('"use": "sig"', '"use": "sig",\n      "d": "AQAB"')],
    ['another member', () => text.replace('"use": "sig"', '"use": "sig",\n      "x5c": []')],
    ['a key without alg', () => text.replace(/ +"alg": "ES256",\n/, '')],
    ['a key for encryption', () => text.replace('"sig"', '"enc"')],
    ['a member of the set', () => text.replace('\n}', ',\n  "more": 1\n}')],
    ['a name twice', () => text.replace('"use": "sig"', '"use": "sig",\n      "use": "sig"')],
  ])('is its keys, but not intact, with %s', async (_name, changed) => {
    const path = join(diskFolder(), 'jwks.json');
    writeFileSync(path, changed());
    chmodSync(path, 0o644);
    expect(changed()).not.toBe(text);
    const holding = await seen(path);
    expect(holding.keys).toHaveLength(2);
    expect(holding.intact).toBe(false);
  });

  it('keeps the keys that can be read', async () => {
    const path = join(diskFolder(), 'jwks.json');
    const [jwk] = content.jwks.keys;
    writeFileSync(
      path,
      JSON.stringify({ keys: [null, 7, { kty: 'AKP', kid: 'x' }, { kty: 'RSA' }, { ...jwk, kid: 5 }, jwk] }),
    );
    expect((await seen(path)).keys).toEqual([
      { kid: 'x', thumbprint: '' },
      { kid: null, thumbprint: jwk?.kid },
      { kid: jwk?.kid, thumbprint: jwk?.kid },
    ]);
  });

  it.each([
    ['not JSON', '<html>'],
    ['no set', '{"key":[]}'],
    ['a list', '[]'],
    ['null', 'null'],
  ])('is unreadable when it is %s', async (_name, foreign) => {
    const path = join(diskFolder(), 'jwks.json');
    writeFileSync(path, foreign);
    expect(await seen(path)).toMatchObject({ keys: [], intact: false });
  });

  it('is unreadable when it is a directory, a pipe or larger than any JWKS', async () => {
    const folder = diskFolder();
    mkdirSync(join(folder, 'directory'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    writeFileSync(join(folder, 'large'), text);
    truncateSync(join(folder, 'large'), 2 * 1024 * 1024);
    for (const name of ['directory', 'pipe', 'large']) {
      expect(await seen(join(folder, name))).toMatchObject({ keys: [], intact: false });
    }
  });

  it('as PEM is the thumbprint', async () => {
    const path = join(diskFolder(), 'key.pem');
    const pem = toSpkiPem(one.publicJwk);
    writeFileSync(path, pem);
    chmodSync(path, 0o644);
    expect(await seen(path, { format: 'pem' })).toMatchObject({
      keys: [{ kid: null, thumbprint: one.thumbprint }],
      intact: true,
    });
    writeFileSync(path, `${pem}\n`);
    expect(await seen(path, { format: 'pem' })).toMatchObject({
      keys: [{ thumbprint: one.thumbprint }],
      intact: false,
    });
    writeFileSync(path, pem.slice(0, 60));
    expect(await seen(path, { format: 'pem' })).toMatchObject({ keys: [], intact: false });
  });
});

describe('what a delivered file holds', () => {
  it('as PEM is the thumbprint of its key', async () => {
    const path = join(memoryFolder(), 'api.pem');
    const pem = toPkcs8Pem(one.privateKey);
    writeFileSync(path, pem, { mode: 0o600 });
    const thumbprint = one.thumbprint;
    expect(await seenSecret(path)).toEqual({
      outlet: path,
      kind: 'deliver',
      format: 'pem',
      keys: [{ kid: null, thumbprint }],
      intact: true,
    });
    expect(await seenSecret(path, { mode: 0o640 })).toMatchObject({ keys: [{ thumbprint }], intact: false });
    expect(await seenSecret(path, { group: 54_322 })).toMatchObject({ keys: [{ thumbprint }], intact: false });
    expect(await seenSecret(path, { owner: 'no-such-user' })).toMatchObject({ keys: [{ thumbprint }], intact: false });
    writeFileSync(path, `${pem}\n`);
    expect(await seenSecret(path)).toMatchObject({ keys: [{ thumbprint }], intact: false });
    truncateSync(path, 100);
    expect(await seenSecret(path)).toMatchObject({ keys: [], intact: false });
  });

  it('as a JWK is its kid and thumbprint', async () => {
    const path = join(memoryFolder(), 'api.jwk');
    const jwk = toPrivateJwk(one.privateKey, { kid: 'imported', alg: 'ES256', told: null });
    writeFileSync(path, jwk, { mode: 0o600 });
    const keys = [{ kid: 'imported', thumbprint: one.thumbprint }];
    expect(await seenSecret(path, { format: 'jwk' })).toMatchObject({ keys, intact: true });
    writeFileSync(path, JSON.stringify(JSON.parse(jwk.toString())));
    expect(await seenSecret(path, { format: 'jwk' })).toMatchObject({ keys, intact: false });
    writeFileSync(path, JSON.stringify({ ...one.publicJwk, kid: 'imported', alg: 'ES256' }));
    expect(await seenSecret(path, { format: 'jwk' })).toMatchObject({ keys, intact: false });
  });

  it('is nothing after a reboot has emptied the tmpfs', async () => {
    expect(await seenSecret(join(memoryFolder(), 'api', 'api.pem'))).toMatchObject({ keys: null, intact: false });
  });

  it('is read without a trace in the file', async () => {
    const path = join(memoryFolder(), 'api.pem');
    writeFileSync(path, toPkcs8Pem(one.privateKey), { mode: 0o600 });
    await seenSecret(path);
    expect(readFileSync(path).equals(toPkcs8Pem(one.privateKey))).toBe(true);
  });
});
