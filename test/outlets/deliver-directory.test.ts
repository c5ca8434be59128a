import { createPrivateKey } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { OutletContent } from '../../src/keyset/published/jwk-set.js';
import { newPair, type TestPair } from '../support/manifest.js';
import { contentOf, diskFolder, keyFrom, memoryFolder, noKey, portOf, refusal, toSecret, write } from './support.js';

let one: TestPair;
let two: TestPair;
let content: OutletContent;
let switched: OutletContent;
beforeAll(async () => {
  [one, two] = [await newPair(), await newPair()];
  content = contentOf(1, [one, two]);
  switched = contentOf(2, [two, one]);
});
const WRITTEN = { publish: false, deliver: true };

function pemOf(pair: TestPair): string {
  const key = createPrivateKey({ key: Buffer.from(pair.privateKey), format: 'der', type: 'pkcs8' });
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

describe('a directory for private keys', () => {
  it('is on a tmpfs or ramfs', async () => {
    const folder = diskFolder();
    const path = join(folder, 'api.pem');
    const error = await refusal(write(portOf({ deliver: [toSecret(path)] }), content, { privateKey: noKey }));
    expect(error).toMatchObject({ kind: 'refused', code: 'not-in-memory', exit: 5 });
    expect(error.hint).toContain('allowDisk: true');
    expect(readdirSync(folder)).toEqual([]);
    const port = portOf({ deliver: [toSecret(path, { allowDisk: true })] });
    expect(await write(port, content, { privateKey: keyFrom(one).ask })).toEqual(WRITTEN);
  });

  it.each([0o770, 0o757, 0o1777, 0o720])('that others can write (mode %o) is refused', async (mode) => {
    const folder = memoryFolder();
    chmodSync(folder, mode);
    const port = portOf({ deliver: [toSecret(join(folder, 'api.pem'), { allowDisk: true })] });
    const error = await refusal(write(port, content, { privateKey: noKey }));
    expect(error).toMatchObject({ kind: 'refused', code: 'unsafe-directory', exit: 5 });
    expect(error.hint).toContain(`chmod go-w ${folder}`);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is not a symbolic link', async () => {
    const folder = memoryFolder();
    mkdirSync(join(folder, 'real'), { mode: 0o700 });
    symlinkSync(join(folder, 'real'), join(folder, 'link'));
    const port = portOf({ deliver: [toSecret(join(folder, 'link', 'api.pem'))] });
    const error = await refusal(write(port, content, { privateKey: noKey }));
    expect(error).toMatchObject({ code: 'unsafe-directory', exit: 5 });
    expect(readdirSync(join(folder, 'real'))).toEqual([]);
  });

  it('that is swapped for a link after it was checked gets the key all the same; the other one does not', async () => {
    const folder = memoryFolder();
    const [good, evil, moved] = ['keys', 'evil', 'moved'].map((name) => join(folder, name)) as [string, string, string];
    mkdirSync(good, { mode: 0o700 });
    mkdirSync(evil, { mode: 0o777 });
    const port = portOf({ deliver: [toSecret(join(good, 'api.pem'))] });
    await port.locked({ timeout: 5_000, alone: false }, async (writer) => {
      renameSync(good, moved);
      symlinkSync(evil, good);
      const { signal } = new AbortController();
      const options = { otherHistory: false, again: false, limit: null, signal };
      await writer.write(content, keyFrom(one).ask, options);
    });
    expect(readdirSync(evil)).toEqual([]);
    expect(readFileSync(join(moved, 'api.pem'), 'utf8')).toBe(pemOf(one));
  });

  it('may hold a link under the name of the key: it is replaced, not followed', async () => {
    const folder = memoryFolder();
    const victim = join(folder, 'victim');
    const path = join(folder, 'api.pem');
    writeFileSync(victim, pemOf(one), { mode: 0o644 });
    const port = portOf({ deliver: [toSecret(path)] });
    await write(port, content, { privateKey: keyFrom(one).ask });
    renameSync(path, join(folder, 'aside'));
    symlinkSync(victim, path);
    expect(await port.observe(2_000)).toMatchObject([{ keys: [], intact: false }]);
    await write(port, switched, { privateKey: keyFrom(two).ask });
    expect(readFileSync(victim, 'utf8')).toBe(pemOf(one));
    expect(readFileSync(path, 'utf8')).toBe(pemOf(two));
  });

  it('belongs to root or to the user that runs jwtrot, unless the key is to be its owner’s', async () => {
    const folder = memoryFolder();
    const self = process.getuid?.() ?? 0;
    // Only root can make a directory of somebody else's; who is not root checks that his own one is taken.
    if (self === 0) {
      chownSync(folder, 54_321, 0);
      const strangers = portOf({ deliver: [toSecret(join(folder, 'api.pem'))] });
      expect(await refusal(write(strangers, content, { privateKey: noKey }))).toMatchObject({
        code: 'unsafe-directory',
      });
    }
    const owner = self === 0 ? 54_321 : self;
    const port = portOf({ deliver: [toSecret(join(folder, 'api.pem'), { owner })] });
    expect(await write(port, content, { privateKey: keyFrom(one).ask })).toEqual(WRITTEN);
    expect(statSync(join(folder, 'api.pem')).uid).toBe(owner);
  });
});

describe('the way to a directory for private keys', () => {
  it('may be changed by root and by the user that runs jwtrot alone: whoever can, chooses where the key goes', async () => {
    const folder = memoryFolder();
    const self = process.getuid?.() ?? 0;
    const inner = join(folder, 'way', 'inner');
    mkdirSync(inner, { recursive: true, mode: 0o755 });
    chmodSync(join(folder, 'way'), 0o777);
    const refused = portOf({ deliver: [toSecret(join(inner, 'api.pem'))] });
    const way = expect.stringContaining('others can write in');
    expect(await refusal(write(refused, content, { privateKey: noKey }))).toMatchObject({
      code: 'unsafe-directory',
      message: way,
    });
    chmodSync(join(folder, 'way'), 0o755);
    if (self === 0) {
      chownSync(join(folder, 'way'), 54_321, 0);
      expect(await refusal(write(refused, content, { privateKey: noKey }))).toMatchObject({ code: 'unsafe-directory' });
      chownSync(join(folder, 'way'), 0, 0);
    }
    expect(await write(refused, content, { privateKey: keyFrom(one).ask })).toEqual(WRITTEN);
  });

  it('gives the key no group of its own: its setgid bit is not followed', async () => {
    const folder = memoryFolder();
    const group = process.getegid?.() ?? 0;
    if (process.getuid?.() === 0) chownSync(folder, 0, 54_321);
    chmodSync(folder, 0o2755);
    const port = portOf({ deliver: [toSecret(join(folder, 'api.pem'), { mode: 0o640 })] });
    expect(await write(port, content, { privateKey: keyFrom(one).ask })).toEqual(WRITTEN);
    expect(statSync(join(folder, 'api.pem')).gid).toBe(group);
  });
});
