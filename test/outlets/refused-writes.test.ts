import { existsSync, linkSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { toSpkiPem } from '../../src/keys/public-key.js';
import { jwkSetText, type OutletContent } from '../../src/keyset/published/jwk-set.js';
import { newPair, type TestPair } from '../support/manifest.js';
import { contentOf, diskFolder, portOf, refusal, toFile, tryToWrite, write } from './support.js';

let [one, two]: TestPair[] = [];
let first: OutletContent | undefined;
beforeAll(async () => {
  [one, two] = [await newPair(), await newPair()];
  first = contentOf(1, [one]);
});
const WRITTEN = { publish: true, deliver: false };
const UNTOUCHED = { publish: false, deliver: false };

describe('what must not be published', () => {
  it.each(['d', 'p', 'k', 'oth', 'anything'])('a JWK with the member %s', async (member) => {
    const path = join(diskFolder(), 'jwks.json');
    const jwk = { ...first!.jwks.keys[0]!, [member]: 'AQAB' };
    const error = await refusal(write(portOf({ publish: [toFile(path)] }), { ...first!, jwks: { keys: [jwk] } }));
    expect(error).toMatchObject({ code: 'private-member', exit: 5 });
    expect(existsSync(path)).toBe(false);
  });

  it('an empty set in place of keys, unless it was asked for', async () => {
    const path = join(diskFolder(), 'jwks.json');
    const port = portOf({ publish: [toFile(path)] });
    await write(port, first!);
    const empty = { ...first!, revision: 2, jwks: { keys: [] }, active: null };
    expect(await refusal(write(port, empty))).toMatchObject({ code: 'empty-jwks', exit: 5 });
    expect(readFileSync(path, 'utf8')).toBe(jwkSetText(first!.jwks));
    expect(await write(port, { ...empty, allowEmpty: true })).toEqual(WRITTEN);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ keys: [] });
  });

  it('an empty set before there is a first key: nothing is written', async () => {
    const path = join(diskFolder(), 'jwks.json');
    expect(await write(portOf({ publish: [toFile(path)] }), contentOf(1, []))).toEqual(UNTOUCHED);
    expect(existsSync(path)).toBe(false);
  });
});

describe('what must not be overwritten', () => {
  it('a key that the manifest does not know: in no outlet is anything written then', async () => {
    const folder = diskFolder();
    const [mine, theirs] = [join(folder, 'mine.json'), join(folder, 'theirs.json')];
    const text = jwkSetText(contentOf(1, [two!]).jwks);
    writeFileSync(theirs, text);
    const error = await refusal(write(portOf({ publish: [toFile(mine), toFile(theirs)] }), first!));
    expect(error).toMatchObject({ kind: 'refused', code: 'unknown-kid', exit: 5 });
    expect(error.message).toContain(two!.thumbprint);
    expect(error.hint).toContain('jwtrot import');
    expect(readFileSync(theirs, 'utf8')).toBe(text);
    expect(existsSync(mine)).toBe(false);
  });

  it('an unknown key without a kid, of an unknown type, or as PEM', async () => {
    const path = join(diskFolder(), 'keys');
    const foreign = contentOf(1, [two!]).jwks.keys[0]!;
    const { kid: _kid, ...nameless } = foreign;
    for (const [format, text] of [
      ['jwks', JSON.stringify({ keys: [nameless] })],
      ['jwks', JSON.stringify({ keys: [{ kty: 'AKP', kid: 'post-quantum' }] })],
      ['pem', toSpkiPem(two!.publicJwk)],
    ] as const) {
      writeFileSync(path, text);
      const error = await refusal(write(portOf({ publish: [toFile(path, { format })] }), first!));
      expect(error.code).toBe('unknown-kid');
      expect(readFileSync(path, 'utf8')).toBe(text);
    }
  });

  it('a key of the manifest is, also one that is only remembered', async () => {
    const path = join(diskFolder(), 'jwks.json');
    writeFileSync(path, jwkSetText(contentOf(1, [two!]).jwks));
    const content = { ...first!, knownKids: [...first!.knownKids, two!.thumbprint] };
    expect(await write(portOf({ publish: [toFile(path)] }), content)).toEqual(WRITTEN);
  });

  it("a file that was never jwtrot's and is no key set; once jwtrot wrote there, damage is mended", async () => {
    const path = join(diskFolder(), 'hosts');
    const port = portOf({ publish: [toFile(path)] });
    writeFileSync(path, '127.0.0.1 localhost\n');
    expect(await refusal(write(port, first!))).toMatchObject({ code: 'foreign-file', exit: 5 });
    expect(readFileSync(path, 'utf8')).toBe('127.0.0.1 localhost\n');
    writeFileSync(path, '');
    await write(port, first!);
    writeFileSync(path, jwkSetText(first!.jwks).slice(0, 100));
    expect(await write(port, first!)).toEqual(WRITTEN);
    expect(readFileSync(path, 'utf8')).toBe(jwkSetText(first!.jwks));
  });

  it('a file that someone linked the record or the lock to', async () => {
    for (const name of ['.jwks.json.jwtrot', '.jwks.json.jwtrot-lock']) {
      for (const link of [symlinkSync, linkSync]) {
        const folder = diskFolder();
        const victim = join(folder, 'victim');
        writeFileSync(victim, '');
        link(victim, join(folder, name));
        await tryToWrite(portOf({ publish: [toFile(join(folder, 'jwks.json'))] }), first!);
        expect(readFileSync(victim, 'utf8')).toBe('');
      }
    }
  });
});
