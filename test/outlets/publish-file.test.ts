import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { toSpkiPem } from '../../src/keys/public-key.js';
import { jwkSetText, type OutletContent } from '../../src/keyset/projection.js';
import { newPair, type TestPair } from '../support/manifest.js';
import { contentOf, diskFolder, portOf, refusal, toFile, write } from './support.js';

let [one, two]: TestPair[] = [];
let [first, both]: OutletContent[] = [];
beforeAll(async () => {
  [one, two] = [await newPair(), await newPair()];
  first = contentOf(1, [one]);
  both = contentOf(2, [one, two]);
});
const WRITTEN = { publish: true, deliver: false };
const UNTOUCHED = { publish: false, deliver: false };

describe('a published file', () => {
  it('holds the JWKS to the byte, with its mode whatever the umask, and nothing else is left beside it but the mark', async () => {
    const folder = diskFolder();
    const path = join(folder, 'jwks.json');
    const umask = process.umask(0o077);
    try {
      expect(await write(portOf({ publish: [toFile(path, { mode: 0o664 })] }), first!)).toEqual(WRITTEN);
    } finally {
      process.umask(umask);
    }
    expect(readFileSync(path, 'utf8')).toBe(jwkSetText(first!.jwks));
    expect(statSync(path).mode & 0o7777).toBe(0o664);
    expect(readdirSync(folder).sort()).toEqual(['.jwks.json.jwtrot', 'jwks.json']);
    expect(statSync(join(folder, '.jwks.json.jwtrot')).mode & 0o7777).toBe(0o600);
  });

  it('is not written again when it already holds what it must', async () => {
    const path = join(diskFolder(), 'jwks.json');
    const port = portOf({ publish: [toFile(path)] });
    await write(port, first!);
    const before = statSync(path);
    expect(await write(port, { ...first!, revision: 7 })).toEqual(UNTOUCHED);
    expect(statSync(path).ino).toBe(before.ino);
  });

  it('is replaced, not overwritten: who has the old one open reads it to the end', async () => {
    const path = join(diskFolder(), 'jwks.json');
    const port = portOf({ publish: [toFile(path)] });
    await write(port, first!);
    const before = statSync(path).ino;
    expect(await write(port, both!)).toEqual(WRITTEN);
    expect(statSync(path).ino).not.toBe(before);
    expect(JSON.parse(readFileSync(path, 'utf8')).keys).toHaveLength(2);
  });

  it('is mended when its mode or a byte of it was changed', async () => {
    const path = join(diskFolder(), 'jwks.json');
    const port = portOf({ publish: [toFile(path)] });
    await write(port, first!);
    chmodSync(path, 0o600);
    expect(await write(port, first!)).toEqual(WRITTEN);
    expect(statSync(path).mode & 0o7777).toBe(0o644);
    writeFileSync(path, `${readFileSync(path, 'utf8')} `);
    expect(await write(port, first!)).toEqual(WRITTEN);
    expect(readFileSync(path, 'utf8')).toBe(jwkSetText(first!.jwks));
  });

  it('as PEM holds the active key, and goes when that key left the JWKS and none is active', async () => {
    const path = join(diskFolder(), 'key.pem');
    const port = portOf({ publish: [toFile(path, { format: 'pem' })] });
    expect(await write(port, both!)).toEqual(WRITTEN);
    expect(readFileSync(path, 'utf8')).toBe(toSpkiPem(one!.publicJwk));
    expect(await write(port, { ...both!, revision: 3, active: null })).toEqual(UNTOUCHED);
    const without = { ...both!, revision: 4, active: null, jwks: { keys: both!.jwks.keys.slice(1) } };
    expect(await write(port, without)).toEqual(WRITTEN);
    expect(existsSync(path)).toBe(false);
  });

  it('leaves temporary files of a killed run no longer than to the next write, and those of other outlets alone', async () => {
    const folder = diskFolder();
    const stale = join(folder, '.jwks.json.6f1c.jwtrot-tmp');
    const other = join(folder, '.jwks.json.bak.6f1c.jwtrot-tmp');
    writeFileSync(stale, 'half');
    writeFileSync(other, 'half');
    await write(portOf({ publish: [toFile(join(folder, 'jwks.json'))] }), first!);
    expect(existsSync(stale)).toBe(false);
    expect(existsSync(other)).toBe(true);
  });

  it('keeps its old text and leaves no temporary file when the new one cannot take its place', async () => {
    const folder = diskFolder();
    const path = join(folder, 'jwks.json');
    const port = portOf({ publish: [toFile(path)] });
    await write(port, first!);
    unlinkSync(path);
    mkdirSync(path);
    const error = await refusal(write(port, both!));
    expect(error).toMatchObject({ kind: 'services', code: 'outlet-not-written', exit: 4 });
    expect(error.message).toContain(path);
    expect(readdirSync(folder).sort()).toEqual(['.jwks.json.jwtrot', 'jwks.json']);
  });

  it('in a directory that does not exist is an error that says how to make it', async () => {
    const folder = join(diskFolder(), 'absent');
    const error = await refusal(write(portOf({ publish: [toFile(join(folder, 'jwks.json'))] }), first!));
    expect(error).toMatchObject({ code: 'no-directory', exit: 4, hint: `create it: install -d -m 0755 ${folder}` });
  });

  it('that can be written is, although another one can not', async () => {
    const folder = diskFolder();
    const [good, bad] = [join(folder, 'jwks.json'), join(folder, 'absent', 'jwks.json')];
    const error = await refusal(write(portOf({ publish: [toFile(bad), toFile(good)] }), first!));
    expect(error.code).toBe('no-directory');
    expect(readFileSync(good, 'utf8')).toBe(jwkSetText(first!.jwks));
  });

  it('names every outlet that failed', async () => {
    const folder = diskFolder();
    const paths = ['a', 'b', 'c'].map((name) => join(folder, name, 'jwks.json'));
    const error = await refusal(write(portOf({ publish: paths.map((path) => toFile(path)) }), first!));
    expect(error.message).toContain(join(folder, 'a'));
    expect(error.message).toContain(`not written either: ${paths[1]}, ${paths[2]}`);
  });
});

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

  it('a file that someone linked the mark to', async () => {
    const folder = diskFolder();
    const victim = join(folder, 'victim');
    const mark = join(folder, '.jwks.json.jwtrot');
    for (const link of [symlinkSync, linkSync]) {
      writeFileSync(victim, ''); // as an empty mark it would be written to
      link(victim, mark);
      const error = await refusal(write(portOf({ publish: [toFile(join(folder, 'jwks.json'))] }), first!));
      expect(error.exit).toBeGreaterThanOrEqual(4);
      expect(readFileSync(victim, 'utf8')).toBe('');
      unlinkSync(mark);
    }
  });
});
