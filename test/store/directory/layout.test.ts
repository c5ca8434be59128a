import { chmod, mkdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DAY, MINUTE } from '../../../src/keyset/basics/clock.js';
import { encodeManifest } from '../../../src/keyset/manifest/encoding.js';
import { commit, read } from '../../conformance/store-commits.js';
import { firstManifest, jweWrapped, newPair, nextManifest } from '../../support/manifest.js';
import { everythingIn, makeStore, UID } from './made.js';

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe('what lies in the directory', () => {
  it('is nothing as long as nothing is written', async () => {
    const { path, store } = await makeStore('a/b/store');
    const { thumbprint } = await newPair();
    await store.readManifest('api');
    await store.listKeysets();
    await store.holdsKeys();
    await store.getKey('api', thumbprint);
    await store.isKeyGone('api', thumbprint);
    await store.deleteKey('api', thumbprint, { recoveryWindowDays: 7, purge: false });
    await expect(stat(join(path, '../..'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('names the revision that is in the way where none can follow it', async () => {
    const { path, store } = await makeStore();
    const last = firstManifest('api', { revision: 9_000_000_000 });
    await mkdir(join(path, 'api/manifest'), { recursive: true, mode: 0o700 });
    const file = join(path, 'api/manifest/9000000000.json');
    await writeFile(file, encodeManifest(last));
    const base = await read(store, 'api');
    await expect(store.commitManifest(nextManifest(base.manifest), base)).rejects.toMatchObject({
      code: 'manifest-foreign',
      message: expect.stringContaining(`${file} is damaged`),
      hint: expect.stringContaining(`mv ${file} ${file}.foreign`),
    });
    expect(await everythingIn(path)).toEqual(['api', 'api/manifest', 'api/manifest/9000000000.json']);
  });

  it('is for its owner alone, and holds no leftovers', async () => {
    const { path, store } = await makeStore('a/b/store');
    const pair = await newPair();
    await commit(store, firstManifest('api'), null);
    await store.putKey('api', pair.thumbprint, jweWrapped(pair));
    const key = `api/keys/${pair.thumbprint}.json`;
    const revision = 'api/manifest/0000000001.json';
    expect(await everythingIn(path)).toEqual(['api', 'api/keys', key, 'api/manifest', revision]);
    for (const folder of ['../..', '..', '.', 'api', 'api/keys', 'api/manifest']) {
      expect(await modeOf(join(path, folder))).toBe(0o700);
    }
    for (const file of [key, revision]) expect(await modeOf(join(path, file))).toBe(0o600);
    expect(await readFile(join(path, revision), 'utf8')).toMatch(/^\{"schema":1,.*\}\n$/);
  });

  it('is shared with the group that may read the store, but for the keys', async () => {
    const before = process.umask(0o027);
    try {
      const { path, store } = await makeStore();
      await mkdir(path, { mode: 0o750 });
      const pair = await newPair();
      await commit(store, firstManifest('api'), null);
      await store.putKey('api', pair.thumbprint, jweWrapped(pair));
      const modes = ['.', 'api', 'api/manifest', 'api/manifest/0000000001.json'].map((name) =>
        modeOf(join(path, name)),
      );
      expect(await Promise.all(modes)).toEqual([0o750, 0o750, 0o750, 0o640]);
      expect(await modeOf(join(path, 'api/keys'))).toBe(0o700);
      expect(await modeOf(join(path, `api/keys/${pair.thumbprint}.json`))).toBe(0o600);
      // Though somebody has opened their folder.
      await chmod(join(path, 'api/keys'), 0o750);
      const other = await newPair();
      await store.putKey('api', other.thumbprint, jweWrapped(other));
      expect(await modeOf(join(path, `api/keys/${other.thumbprint}.json`))).toBe(0o600);
    } finally {
      process.umask(before);
    }
  });

  it('is the newest eight revisions', async () => {
    const { path, store } = await makeStore();
    let newest = await commit(store, firstManifest('api'), null);
    for (let count = 1; count < 20; count++) newest = await commit(store, nextManifest(newest.manifest), newest);
    const files = await everythingIn(join(path, 'api/manifest'));
    expect(files).toEqual([13, 14, 15, 16, 17, 18, 19, 20].map((number) => `00000000${number}.json`));
  });

  it('loses what killed writers left behind after ten minutes, not before', async () => {
    const { path, store, clock } = await makeStore();
    const first = await commit(store, firstManifest('api'), null);
    const [old, young] = ['a', 'b'].map((c) => join(path, 'api/manifest', `.aside-${c.repeat(24)}`)) as [
      string,
      string,
    ];
    for (const aside of [old, young]) await writeFile(aside, '{"schema":1,"na');
    const seconds = (clock.now() - 11 * MINUTE) / 1000;
    await utimes(old, seconds, seconds);
    await commit(store, nextManifest(first.manifest), first);
    expect(await everythingIn(join(path, 'api/manifest'))).toEqual([
      `.aside-${'b'.repeat(24)}`,
      '0000000001.json',
      '0000000002.json',
    ]);
  });

  it('may hold what is not ours, which is left alone', async () => {
    const { path, store } = await makeStore();
    await commit(store, firstManifest('api'), null);
    await mkdir(join(path, 'empty'));
    await mkdir(join(path, 'Not A Keyset/manifest'), { recursive: true });
    await writeFile(join(path, 'notes'), 'mine');
    await writeFile(join(path, 'api/manifest/0000000009.json~'), 'a backup of an editor');
    await symlink('/nowhere', join(path, 'dangling'));
    expect(await store.listKeysets()).toEqual(['api']);
    expect((await read(store, 'api')).manifest.revision).toBe(1);
    expect(await store.holdsKeys()).toBe(false);
  });

  it('is refused when a revision carries the name of another', async () => {
    const { path, store } = await makeStore();
    await commit(store, firstManifest('api'), null);
    const folder = join(path, 'api/manifest');
    await writeFile(join(folder, '0000000002.json'), await readFile(join(folder, '0000000001.json')));
    await expect(store.readManifest('api')).rejects.toMatchObject({ kind: 'refused', code: 'manifest-damaged' });
  });

  it('is not written over when the newest revision was damaged since it was read', async () => {
    const { path, store } = await makeStore();
    const first = await commit(store, firstManifest('api'), null);
    await writeFile(join(path, 'api/manifest/0000000001.json'), '');
    const late = store.commitManifest(nextManifest(first.manifest), first);
    await expect(late).rejects.toMatchObject({ kind: 'refused', code: 'manifest-damaged' });
    expect(await everythingIn(join(path, 'api/manifest'))).toEqual(['0000000001.json']);
  });

  it('takes names of keysets and thumbprints alone for paths', async () => {
    const { store } = await makeStore();
    const pair = await newPair();
    for (const name of ['..', '../api', 'a/b', '', 'API', '.hidden']) {
      await expect(store.readManifest(name)).rejects.toMatchObject({ code: 'illegal-name' });
      await expect(store.putKey('api', name, jweWrapped(pair))).rejects.toMatchObject({ code: 'illegal-name' });
    }
  });

  it('takes no revision but a later one, and a jump takes the name that was next', async () => {
    const { path, store } = await makeStore();
    const first = await commit(store, firstManifest('api'), null);
    const back = store.commitManifest(nextManifest(first.manifest, { revision: 1 }), first);
    await expect(back).rejects.toMatchObject({ kind: 'refused', code: 'illegal-revision' });
    await commit(store, nextManifest(first.manifest, { revision: 1_000_001 }), first);
    expect(await everythingIn(join(path, 'api/manifest'))).toEqual(['0000000001.json', '0000000002.json']);
  });
});

describe('a key whose deletion was ordered', () => {
  const order = { recoveryWindowDays: 7, purge: false };

  it('goes when its time has come, by the clock', async () => {
    const { path, store, clock } = await makeStore();
    const pair = await newPair();
    await store.putKey('api', pair.thumbprint, jweWrapped(pair));
    const goneAt = await store.deleteKey('api', pair.thumbprint, order);
    const file = `${pair.thumbprint}.deleted-${goneAt}.json`;
    expect(await everythingIn(join(path, 'api/keys'))).toEqual([file]);
    clock.set(goneAt - MINUTE);
    expect(await store.isKeyGone('api', pair.thumbprint)).toBe(false);
    expect(await store.holdsKeys()).toBe(true);
    clock.set(goneAt);
    expect(await store.isKeyGone('api', pair.thumbprint)).toBe(true);
    expect(await everythingIn(join(path, 'api/keys'))).toEqual([]);
  });

  it('is there again when an operator moves it back', async () => {
    const { path, store, clock } = await makeStore();
    const pair = await newPair();
    await store.putKey('api', pair.thumbprint, jweWrapped(pair));
    const goneAt = await store.deleteKey('api', pair.thumbprint, { recoveryWindowDays: 30, purge: false });
    expect(goneAt).toBeGreaterThan(clock.now() + 29 * DAY);
    const { rename } = await import('node:fs/promises');
    const folder = join(path, 'api/keys');
    await rename(join(folder, `${pair.thumbprint}.deleted-${goneAt}.json`), join(folder, `${pair.thumbprint}.json`));
    expect(await store.getKey('api', pair.thumbprint)).toEqual(jweWrapped(pair));
  });

  it('does not come back by a put that was under way', async () => {
    const { client, store } = await makeStore();
    const pair = await newPair();
    await store.putKey('api', pair.thumbprint, jweWrapped(pair));
    const { link } = await import('node:fs/promises');
    const late = client({
      link: async (from, to) => {
        await store.deleteKey('api', pair.thumbprint, order);
        await link(from, to);
      },
    });
    await expect(late.putKey('api', pair.thumbprint, jweWrapped(pair))).rejects.toMatchObject({ code: 'key-deleted' });
    expect(await store.getKey('api', pair.thumbprint)).toBeNull();
    expect(await store.isKeyGone('api', pair.thumbprint)).toBe(false);
  });
});

describe('a directory that others could tamper with', () => {
  it.each([0o702, 0o720, 0o777])('is refused with mode %o, for reading too', async (mode) => {
    const { path, store } = await makeStore();
    await commit(store, firstManifest('api'), null);
    await chmod(path, mode);
    const refused = { kind: 'refused', code: 'store-unsafe', hint: `chmod go-w ${path}` };
    await expect(store.readManifest('api')).rejects.toMatchObject(refused);
    await expect(store.commitManifest(firstManifest('web'), null)).rejects.toMatchObject(refused);
    await expect(store.holdsKeys()).rejects.toMatchObject(refused);
    await chmod(path, 0o755);
    expect(await store.listKeysets()).toEqual(['api']);
  });

  it('is refused below a folder that others can write, unless that is sticky', async () => {
    const { path, store } = await makeStore('parent/store');
    await mkdir(join(path, '..'));
    await chmod(join(path, '..'), 0o777);
    await expect(store.commitManifest(firstManifest('api'), null)).rejects.toMatchObject({ code: 'store-unsafe' });
    expect(await everythingIn(join(path, '../..'))).toEqual(['parent']);
    await chmod(join(path, '..'), 0o1777);
    await commit(store, firstManifest('api'), null);
    await chmod(join(path, '..'), 0o777);
    await expect(store.readManifest('api')).rejects.toMatchObject({ code: 'store-unsafe' });
  });

  it('is refused when it belongs to somebody else', async () => {
    const { path, client, store } = await makeStore();
    await commit(store, firstManifest('api'), null);
    // Root's is everybody's to use; so where the tests run as root, what is somebody else's is told by stat.
    const { stat: realStat } = await import('node:fs/promises');
    const stranger = client({
      stat: (async (of: string) =>
        Object.assign(await realStat(of), of === path ? { uid: 4242 } : {})) as typeof realStat,
    });
    await expect(stranger.readManifest('api')).rejects.toMatchObject({
      kind: 'refused',
      code: 'store-unsafe',
      hint: `run as that user (sudo -u '#4242' jwtrot ...), or chown ${UID} ${path}`,
    });
  });

  it('is what it links to (StateDirectory= with DynamicUser=)', async () => {
    const { path, store, client } = await makeStore('real');
    await commit(store, firstManifest('api'), null);
    const linked = await makeStore('link');
    await symlink(path, linked.path);
    expect(await linked.store.listKeysets()).toEqual(['api']);
    await chmod(path, 0o777);
    await expect(linked.store.listKeysets()).rejects.toMatchObject({ code: 'store-unsafe' });
    await expect(client().listKeysets()).rejects.toMatchObject({ code: 'store-unsafe' });
  });
});
