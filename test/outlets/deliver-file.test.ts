import { createPrivateKey } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { OutletContent } from '../../src/keyset/published/jwk-set.js';
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

  it.each([
    [{}, '0700'],
    [{ mode: 0o440, group: `${process.getgid?.()}` }, '0755'],
  ])('needs a directory, which whoever reads it can enter: %j', async (options, mode) => {
    const folder = join(memoryFolder(), 'private');
    const port = portOf({ deliver: [toSecret(join(folder, 'api.pem'), options)] });
    const error = await refusal(write(port, content, { privateKey: keyFrom(one).ask }));
    expect(error).toMatchObject({ code: 'no-directory', hint: `create it: install -d -m ${mode} ${folder}` });
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
    expect(await port.observe(2_000)).toMatchObject([{ intact: true }]);
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
    expect(readdirSync(folder).sort()).toEqual(['.api.pem.jwtrot', '.api.pem.jwtrot-lock', 'api.pem']);
  });

  it('that fails does not keep the JWKS from being published', async () => {
    const folder = diskFolder();
    const port = portOf({ publish: [toFile(join(folder, 'jwks.json'))], deliver: [toSecret(join(folder, 'api.pem'))] });
    const error = await refusal(write(port, content, { privateKey: noKey }));
    expect(error.code).toBe('not-in-memory');
    expect(JSON.parse(readFileSync(join(folder, 'jwks.json'), 'utf8')).keys).toHaveLength(2);
  });
});
