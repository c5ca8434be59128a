import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KeyContext } from '../../src/keyset/manifest/wrapped-key.js';
import { createLocalWrapper } from '../../src/wrap/local.js';
import { decodeKek, encodeKek } from '../../src/wrap/local-kek-text.js';
import { makeLocal, temporaryFolder, UID } from './local-made.js';

const CONTEXT: KeyContext = { keyset: 'api', kid: 'the-kid', alg: 'ES256' };
const KEY = new Uint8Array(138).fill(3);

describe('a KEK file', () => {
  it('is made by the first wrapping: a line of 256 bits for its owner alone', async () => {
    const { path, wrapper } = await makeLocal();
    await wrapper.wrap(KEY, CONTEXT);
    expect(await readFile(path, 'utf8')).toMatch(/^[A-Za-z0-9_-]{43}\n$/);
    expect((await stat(path)).mode & 0o7777).toBe(0o600);
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700);
    expect(await readdir(dirname(path))).toEqual(['kek']);
  });

  it('is not made anew while the store holds keys, nor by unwrapping', async () => {
    const { path, client, wrapper } = await makeLocal();
    const refused = {
      kind: 'refused',
      code: 'kek-missing',
      message: `the KEK ${path} is missing, and the store holds keys wrapped under it; nothing was changed`,
      hint: expect.stringMatching(
        /^restore it from its backup; if it is lost, so are the private keys: .*rotate --force$/,
      ),
    };
    await expect(client(false).wrap(KEY, CONTEXT)).rejects.toMatchObject(refused);
    const key = { kid: 'the-kid', alg: 'ES256', jwe: 'e30..AAAA.AAAA.AAAA' } as const;
    await expect(wrapper.unwrap(key, CONTEXT)).rejects.toMatchObject(refused);
    await expect(stat(dirname(path))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('can be made by hand as the hint says', async () => {
    const { path, client } = await makeLocal();
    await mkdir(dirname(path), { recursive: true });
    const error: { hint?: string } = await client(false)
      .wrap(KEY, CONTEXT)
      .catch((e) => e);
    const command = /\((.*)\)/.exec(error.hint ?? '')?.[1] ?? 'false';
    execFileSync('/bin/sh', ['-c', command]);
    const wrapped = await client(false).wrap(KEY, CONTEXT);
    expect(new Uint8Array(await client(false).unwrap(wrapped, CONTEXT))).toEqual(KEY);
  });

  it('is one for all who race to make it', async () => {
    const { path, client } = await makeLocal();
    const racers = Array.from({ length: 8 }, () => client());
    const wrapped = await Promise.all(racers.map((racer) => racer.wrap(KEY, CONTEXT)));
    for (const one of wrapped) expect(new Uint8Array(await client(false).unwrap(one, CONTEXT))).toEqual(KEY);
    expect(await readdir(dirname(path))).toEqual(['kek']);
  });

  it.each([
    ['32 raw bytes', (kek: Buffer) => kek],
    ['base64', (kek: Buffer) => Buffer.from(`${kek.toString('base64')}\n`)],
    ['base64url with a CRLF', (kek: Buffer) => Buffer.from(`${kek.toString('base64url')}\r\n`)],
  ])('may hold %s', async (_, write) => {
    const kek = Buffer.from(randomBytes(32));
    const { path, client, wrapper } = await makeLocal();
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${kek.toString('base64url')}\n`, { mode: 0o600 });
    const wrapped = await wrapper.wrap(KEY, CONTEXT);
    await writeFile(path, write(kek));
    expect(new Uint8Array(await client(false).unwrap(wrapped, CONTEXT))).toEqual(KEY);
  });

  it.each([
    ['nothing', ''],
    ['31 bytes', 'x'.repeat(31)],
    ['hexadecimal digits', 'ab'.repeat(32)],
    ['a line with a stray character', `${'A'.repeat(20)}!${'A'.repeat(22)}\n`],
    ['two lines', `${'A'.repeat(43)}\n${'A'.repeat(43)}\n`],
    ['a megabyte', 'A'.repeat(2 ** 20)],
  ])('is refused, and not replaced, when it holds %s', async (_, content) => {
    const { path, wrapper } = await makeLocal();
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content, { mode: 0o600 });
    await expect(wrapper.wrap(KEY, CONTEXT)).rejects.toMatchObject({ kind: 'refused', code: 'kek-invalid' });
    expect(await readFile(path, 'utf8')).toBe(content);
  });

  it.each([0o640, 0o604, 0o660, 0o644])('is refused with mode %o', async (mode) => {
    const { path, wrapper } = await makeLocal();
    const wrapped = await wrapper.wrap(KEY, CONTEXT);
    await chmod(path, mode);
    const refused = { kind: 'refused', code: 'kek-unsafe', hint: expect.stringContaining(`chmod 0600 ${path}`) };
    await expect(wrapper.wrap(KEY, CONTEXT)).rejects.toMatchObject(refused);
    await expect(wrapper.unwrap(wrapped, CONTEXT)).rejects.toMatchObject(refused);
    await chmod(path, 0o400);
    expect(new Uint8Array(await wrapper.unwrap(wrapped, CONTEXT))).toEqual(KEY);
  });

  it('is refused when it belongs to somebody else', async () => {
    const { path, client, wrapper } = await makeLocal();
    await wrapper.wrap(KEY, CONTEXT);
    // Root can give the file away; anybody else can say to be another.
    if (UID === 0) await chown(path, 4242, 4242);
    const stranger = client(true, UID === 0 ? 0 : UID + 1);
    await expect(stranger.wrap(KEY, CONTEXT)).rejects.toMatchObject({ kind: 'refused', code: 'kek-unsafe' });
  });

  it('is refused when it is a link, a FIFO or a folder, without hanging', async () => {
    const { path, wrapper } = await makeLocal();
    await wrapper.wrap(KEY, CONTEXT);
    const refused = { kind: 'refused', code: 'kek-unsafe' };
    const kek = await readFile(path);
    await writeFile(`${path}.real`, kek, { mode: 0o600 });
    await unlink(path);
    await symlink(`${path}.real`, path);
    await expect(wrapper.wrap(KEY, CONTEXT)).rejects.toMatchObject(refused);
    await unlink(path);
    execFileSync('mkfifo', ['-m', '600', path]);
    await expect(wrapper.wrap(KEY, CONTEXT)).rejects.toMatchObject(refused);
    await unlink(path);
    await mkdir(path, 0o700);
    await expect(wrapper.wrap(KEY, CONTEXT)).rejects.toMatchObject(refused);
  });

  it('is a failure of the store when it cannot be opened or made', async () => {
    const { path, wrapper } = await makeLocal();
    await mkdir(dirname(dirname(path)));
    await writeFile(dirname(path), 'a file where the folder should be');
    await expect(wrapper.wrap(KEY, CONTEXT)).rejects.toMatchObject({ kind: 'store', code: 'kek-unreadable' });
  });
});

describe('a systemd credential', () => {
  const client = (directory: string | undefined, credential = 'kek') =>
    createLocalWrapper({ kek: { credential, directory }, mayCreateKek: async () => true, uid: UID });

  it('is never made, and its absence says how to give it', async () => {
    const directory = await temporaryFolder();
    for (const wrapper of [client(directory), client(undefined)]) {
      await expect(wrapper.wrap(KEY, CONTEXT)).rejects.toMatchObject({
        kind: 'refused',
        code: 'kek-missing',
        hint: expect.stringContaining('LoadCredentialEncrypted=kek:/etc/credstore.encrypted/kek'),
      });
    }
    expect(await readdir(directory)).toEqual([]);
  });

  it('may have the mode that systemd shows for an ACL, and no other group or world access', async () => {
    const directory = await temporaryFolder();
    const path = join(directory, 'kek');
    await writeFile(path, randomBytes(32), { mode: 0o440 });
    const wrapped = await client(directory).wrap(KEY, CONTEXT);
    expect(new Uint8Array(await client(directory).unwrap(wrapped, CONTEXT))).toEqual(KEY);
    for (const mode of [0o444, 0o460]) {
      await chmod(path, mode);
      await expect(client(directory).wrap(KEY, CONTEXT)).rejects.toMatchObject({ code: 'kek-unsafe' });
    }
  });

  it.each(['../kek', 'a/b', '..', ''])('has a plain name: %j is refused', async (name) => {
    const wrapper = client(await temporaryFolder(), name);
    await expect(wrapper.wrap(KEY, CONTEXT)).rejects.toMatchObject({ kind: 'usage', code: 'credential-name' });
  });
});

describe('the text of a KEK', () => {
  it('is what Node takes for base64url, both ways', () => {
    for (let count = 0; count < 200; count++) {
      const kek = new Uint8Array(randomBytes(32));
      const line = Buffer.from(encodeKek(kek));
      expect(line.toString()).toBe(`${Buffer.from(kek).toString('base64url')}\n`);
      expect(decodeKek(line)).toEqual(Buffer.from(kek));
      expect(decodeKek(Buffer.from(Buffer.from(kek).toString('base64')))).toEqual(Buffer.from(kek));
    }
  });
});
