import { createPrivateKey } from 'node:crypto';
import {
  chmodSync,
  existsSync,
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
import type { OutletContent } from '../../src/keyset/projection.js';
import { newPair, type TestPair } from '../support/manifest.js';
import {
  contentOf,
  diskFolder,
  keyFrom,
  memoryFolder,
  noKey,
  portOf,
  refusal,
  toFile,
  toSecret,
  write,
} from './support.js';

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
const UNTOUCHED = { publish: false, deliver: false };

function pemOf(pair: TestPair): string {
  const key = createPrivateKey({ key: Buffer.from(pair.privateKey), format: 'der', type: 'pkcs8' });
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

describe('a delivered private key', () => {
  it('is the active one, as PKCS#8, readable by its owner alone', async () => {
    const path = join(memoryFolder(), 'api.pem');
    const { ask, handedOut } = keyFrom(one);
    expect(await write(portOf({ deliver: [toSecret(path)] }), content, { privateKey: ask })).toEqual(WRITTEN);
    expect(readFileSync(path, 'utf8')).toBe(pemOf(one));
    expect(statSync(path).mode & 0o7777).toBe(0o600);
    expect(handedOut).toHaveLength(1);
  });

  it('as a JWK names its kid and alg', async () => {
    const path = join(memoryFolder(), 'api.jwk');
    await write(portOf({ deliver: [toSecret(path, { format: 'jwk' })] }), content, { privateKey: keyFrom(one).ask });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
      kid: one.thumbprint,
      alg: 'ES256',
      use: 'sig',
      ...one.publicJwk,
    });
  });

  it('gets the group and mode that are configured, by number', async () => {
    const path = join(memoryFolder(), 'api.pem');
    const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    // Root may give it away; anybody may give it to a group of his own.
    const group = uid === 0 ? 54_321 : gid;
    const secret = toSecret(path, { group, owner: uid, mode: 0o440 });
    const port = portOf({ deliver: [secret] });
    await write(port, content, { privateKey: keyFrom(one).ask });
    expect(statSync(path)).toMatchObject({ uid, gid: group });
    expect(statSync(path).mode & 0o7777).toBe(0o440);
    expect(await port.observe()).toMatchObject([{ intact: true }]);
    expect(await write(port, content, { privateKey: noKey })).toEqual(UNTOUCHED);
  });

  it('gets a group by name, and names one that does not exist before anything is written', async () => {
    const name = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .find(([, , gid]) => Number(gid) === process.getgid?.())?.[0];
    const path = join(memoryFolder(), 'api.pem');
    await write(portOf({ deliver: [toSecret(path, { group: name ?? null })] }), content, {
      privateKey: keyFrom(one).ask,
    });
    expect(name).toBeTypeOf('string');
    expect(statSync(path).gid).toBe(process.getgid?.());
    const absent = join(memoryFolder(), 'api.pem');
    const port = portOf({ deliver: [toSecret(absent, { group: 'no-such-group' })] });
    const error = await refusal(write(port, content, { privateKey: noKey }));
    expect(error).toMatchObject({ code: 'no-such-account', exit: 2 });
    expect(error.hint).toContain('getent group no-such-group');
    expect(existsSync(absent)).toBe(false);
  });

  it('is not unwrapped while every outlet holds it', async () => {
    const folder = memoryFolder();
    const port = portOf({ deliver: [toSecret(join(folder, 'a')), toSecret(join(folder, 'b'), { format: 'jwk' })] });
    const { ask, handedOut } = keyFrom(one);
    expect(await write(port, content, { privateKey: ask })).toEqual(WRITTEN);
    expect(handedOut).toHaveLength(1);
    expect(await write(port, { ...content, revision: 9 }, { privateKey: noKey })).toEqual(UNTOUCHED);
  });

  it('follows the active key', async () => {
    const path = join(memoryFolder(), 'api.pem');
    const port = portOf({ deliver: [toSecret(path)] });
    await write(port, content, { privateKey: keyFrom(one).ask });
    expect(await write(port, switched, { privateKey: keyFrom(two).ask })).toEqual(WRITTEN);
    expect(readFileSync(path, 'utf8')).toBe(pemOf(two));
  });

  it('is overwritten in memory, also when writing it fails', async () => {
    const { ask, handedOut } = keyFrom(one);
    await write(portOf({ deliver: [toSecret(join(memoryFolder(), 'api.pem'))] }), content, { privateKey: ask });
    const path = join(memoryFolder(), 'api.pem');
    mkdirSync(path);
    writeFileSync(join(path, '.keep'), '');
    const port = portOf({ deliver: [toSecret(path)] });
    await expect(write(port, content, { privateKey: ask })).rejects.toThrow();
    const gone = portOf({
      deliver: [toSecret(join(memoryFolder(), 'api.pem'))],
      newId: () => {
        throw new Error('stopped');
      },
    });
    await expect(write(gone, content, { privateKey: ask })).rejects.toThrow('stopped');
    expect(handedOut.length).toBeGreaterThanOrEqual(2);
    expect(handedOut.every((key) => key.every((byte) => byte === 0))).toBe(true);
  });

  it('that is not the one in the manifest is not delivered', async () => {
    const path = join(memoryFolder(), 'api.pem');
    const { ask, handedOut } = keyFrom(two);
    const error = await refusal(write(portOf({ deliver: [toSecret(path)] }), content, { privateKey: ask }));
    expect(error).toMatchObject({ code: 'key-mismatch', exit: 5 });
    expect(existsSync(path)).toBe(false);
    expect(handedOut.flatMap((key) => [...key]).every((byte) => byte === 0)).toBe(true);
  });

  it('is taken away when no key is active any more', async () => {
    const path = join(memoryFolder(), 'api.pem');
    const port = portOf({ deliver: [toSecret(path)] });
    await write(port, content, { privateKey: keyFrom(one).ask });
    expect(await write(port, { ...content, revision: 2, active: null }, { privateKey: noKey })).toEqual(WRITTEN);
    expect(existsSync(path)).toBe(false);
  });

  it('never takes the place of a private key that the manifest does not know', async () => {
    const path = join(memoryFolder(), 'api.pem');
    const theirs = pemOf(await newPair());
    writeFileSync(path, theirs, { mode: 0o600 });
    const error = await refusal(write(portOf({ deliver: [toSecret(path)] }), content, { privateKey: noKey }));
    expect(error).toMatchObject({ code: 'unknown-kid', exit: 5 });
    expect(readFileSync(path, 'utf8')).toBe(theirs);
  });

  it('left half-written by a killed run is gone after the next one, even if nothing else is to be written', async () => {
    const folder = memoryFolder();
    const port = portOf({ deliver: [toSecret(join(folder, 'api.pem'))] });
    await write(port, content, { privateKey: keyFrom(one).ask });
    writeFileSync(join(folder, '.api.pem.0a1b.jwtrot-tmp'), pemOf(one).slice(0, 100), { mode: 0o600 });
    expect(await write(port, content, { privateKey: noKey })).toEqual(UNTOUCHED);
    expect(readdirSync(folder).sort()).toEqual(['.api.pem.jwtrot', 'api.pem']);
  });

  it('that fails does not keep the JWKS from being published', async () => {
    const folder = diskFolder();
    const port = portOf({ publish: [toFile(join(folder, 'jwks.json'))], deliver: [toSecret(join(folder, 'api.pem'))] });
    const error = await refusal(write(port, content, { privateKey: noKey }));
    expect(error.code).toBe('not-in-memory');
    expect(JSON.parse(readFileSync(join(folder, 'jwks.json'), 'utf8')).keys).toHaveLength(2);
  });
});

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
    await port.locked(5_000, async (writer) => {
      renameSync(good, moved);
      symlinkSync(evil, good);
      const options = { acceptOlder: false, signal: new AbortController().signal };
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
    expect(await port.observe()).toMatchObject([{ keys: [], intact: false }]);
    await write(port, switched, { privateKey: keyFrom(two).ask });
    expect(readFileSync(victim, 'utf8')).toBe(pemOf(one));
    expect(readFileSync(path, 'utf8')).toBe(pemOf(two));
  });

  it('belongs to root or to the user that runs jwtrot, unless the key is to be its owner’s', async () => {
    const folder = memoryFolder();
    const self = process.getuid?.() ?? 0;
    // Only root can make a directory of somebody else's; who is not root checks that his own one is taken.
    if (self === 0) {
      const { chownSync } = await import('node:fs');
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
