import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { toSpkiPem } from '../../src/keys/public-key.js';
import { jwkSetText, type OutletContent } from '../../src/keyset/published/jwk-set.js';
import { newPair, type TestPair } from '../support/manifest.js';
import { contentOf, diskFolder, portOf, refusal, toFile, tryToWrite, write } from './support.js';

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
  it('holds the JWKS to the byte, with its mode whatever the umask, and nothing else is left beside it but its record and its lock', async () => {
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
    expect(readdirSync(folder).sort()).toEqual(['.jwks.json.jwtrot', '.jwks.json.jwtrot-lock', 'jwks.json']);
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
    expect(readdirSync(folder).sort()).toEqual(['.jwks.json.jwtrot', '.jwks.json.jwtrot-lock', 'jwks.json']);
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
    const { problems } = await tryToWrite(portOf({ publish: paths.map((path) => toFile(path)) }), first!);
    expect(problems.map(({ outlet, code, kind }) => ({ outlet, code, kind }))).toEqual(
      paths.map((outlet) => ({ outlet, code: 'no-directory', kind: 'services' })),
    );
  });
});
