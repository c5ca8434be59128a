import { open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Files } from '../../../src/outside/durable-files.js';
import { commit } from '../../conformance/store-commits.js';
import { firstManifest, jweWrapped, newPair, nextManifest } from '../../support/manifest.js';
import { everythingIn, makeStore, systemError } from './made.js';

/** A disk on which a new file can be made, but not written to. */
function fullDisk(code: string): Partial<Files> {
  return {
    open: async (path, flags, mode) => {
      const file = await open(path, flags, mode);
      if (flags === 'wx') {
        const write = file.writeFile.bind(file);
        file.writeFile = async (data) => {
          await write(String(data).slice(0, 100));
          throw systemError(code);
        };
      }
      return file;
    },
  };
}

const FAILURES: readonly (readonly [name: string, code: string, files: Partial<Files>, hint: RegExp])[] = [
  ['a full disk', 'store-full', fullDisk('ENOSPC'), /^free some space \(df -h /],
  ['a used-up quota', 'store-full', fullDisk('EDQUOT'), /^free some space under /],
  ['a lack of permission', 'store-denied', { open: refuseNew('EACCES') }, /^run as the owner of /],
  ['a read-only file system', 'store-read-only', { open: refuseNew('EROFS') }, /ReadWritePaths=/],
  ['a failing disk', 'store-failed', fullDisk('EIO'), /dmesg/],
  ['EPERM of a link', 'store-without-hard-links', { link: () => Promise.reject(systemError('EPERM')) }, /ext4/],
  ['ENOTSUP of a link', 'store-without-hard-links', { link: () => Promise.reject(systemError('ENOTSUP')) }, /ext4/],
  ['EXDEV of a link', 'store-without-hard-links', { link: () => Promise.reject(systemError('EXDEV')) }, /ext4/],
];

function refuseNew(code: string): Files['open'] {
  return async (path, flags, mode) => {
    if (flags === 'wx') throw systemError(code);
    return open(path, flags, mode);
  };
}

describe('a write that meets', () => {
  it.each(FAILURES)('%s says so and leaves nothing half-written', async (_, code, files, hint) => {
    const { path, store, client } = await makeStore();
    const [pair, other] = [await newPair(), await newPair()];
    const first = await commit(store, firstManifest('api'), null);
    await store.putKey('api', other.thumbprint, jweWrapped(other));
    const before = await everythingIn(path);
    const failing = client(files);
    const expected = { kind: 'store', code, hint: expect.stringMatching(hint) };

    const commits = failing.commitManifest(nextManifest(first.manifest), first);
    await expect(commits).rejects.toMatchObject({
      ...expected,
      message: expect.stringContaining('revision 1 still holds'),
    });
    await expect(failing.putKey('api', pair.thumbprint, jweWrapped(pair))).rejects.toMatchObject(expected);
    expect(await everythingIn(path)).toEqual(before);

    await commit(store, nextManifest(first.manifest), first);
    await store.putKey('api', pair.thumbprint, jweWrapped(pair));
    expect(await store.getKey('api', pair.thumbprint)).toEqual(jweWrapped(pair));
  });
});

describe('a store that is not a directory', () => {
  it.each(['', 'store'])('is told from one that is empty: a file at %j below', async (below) => {
    const { path, store } = await makeStore(join('file', below));
    await writeFile(below === '' ? path : dirname(path), 'not a folder');
    const expected = { kind: 'store', code: 'store-not-a-directory' };
    await expect(store.readManifest('api')).rejects.toMatchObject(expected);
    await expect(store.listKeysets()).rejects.toMatchObject(expected);
    await expect(store.commitManifest(firstManifest('api'), null)).rejects.toMatchObject(expected);
  });

  it.each(['EACCES', 'EIO'])('is not taken for an empty one when reading fails: %s', async (errno) => {
    const { store, client } = await makeStore();
    const { thumbprint } = await newPair();
    await commit(store, firstManifest('api'), null);
    const failing = client({ readdir: () => Promise.reject(systemError(errno)) });
    await expect(failing.readManifest('api')).rejects.toMatchObject({ kind: 'store' });
    await expect(failing.listKeysets()).rejects.toMatchObject({ kind: 'store' });
    await expect(failing.holdsKeys()).rejects.toMatchObject({ kind: 'store' });
    await expect(failing.isKeyGone('api', thumbprint)).rejects.toMatchObject({ kind: 'store' });
    const refusing = client({ open: () => Promise.reject(systemError(errno)) });
    await expect(refusing.readManifest('api')).rejects.toMatchObject({ kind: 'store' });
    await expect(refusing.getKey('api', thumbprint)).rejects.toMatchObject({ kind: 'store' });
  });

  it('says of a commit that it may not be durable when the folder cannot be synced', async () => {
    const { store, client } = await makeStore();
    const first = await commit(store, firstManifest('api'), null);
    const failing = client({
      open: async (path, flags, mode) => {
        const file = await open(path, flags, mode);
        if (String(path).endsWith('/manifest')) file.sync = () => Promise.reject(systemError('EIO'));
        return file;
      },
    });
    const manifest = nextManifest(first.manifest);
    await expect(failing.commitManifest(manifest, first)).rejects.toMatchObject({
      kind: 'store',
      message: expect.stringContaining('may not outlive a power cut'),
    });
    // Offered again, it is found to have won.
    expect((await store.commitManifest(manifest, first))?.manifest).toEqual(manifest);
  });
});
