import { chmod, lutimes, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Files, realFiles } from '../../../src/outside/durable-files.js';
import { type Backup, checkBackedUp, decodeBackup, encodeBackup } from '../../../src/store/directory/backup-text.js';
import { checkKeyset, lostKeys, readContents } from '../../../src/store/directory/contents.js';
import { assertEmpty, placeContents } from '../../../src/store/directory/restore.js';
import { commit } from '../../conformance/store-commits.js';
import { firstManifest, jweWrapped, keyOf, newPair, nextManifest, thumbprintOf } from '../../support/manifest.js';
import { everythingIn, type Made, makeStore, systemError, UID } from './made.js';

const LATER = { recoveryWindowDays: 7, purge: false } as const;

function optionsOf({ path, clock }: Pick<Made, 'path' | 'clock'>, files: Partial<Files> = {}) {
  return { path, clock, uid: UID, thumbprintOf, files: { ...realFiles, ...files } };
}

/** Two keysets, one of them with a key in use and one whose recovery window runs. */
async function furnished() {
  const made = await makeStore();
  const [kept, leaving] = [await newPair(), await newPair()];
  const keys = [keyOf(kept), keyOf(leaving, { version: 2 })];
  let base = await commit(made.store, firstManifest('api', { keys }), null);
  await made.store.putKey('api', kept.thumbprint, jweWrapped(kept));
  await made.store.putKey('api', leaving.thumbprint, jweWrapped(leaving));
  const goneAt = await made.store.deleteKey('api', leaving.thumbprint, LATER);
  base = await commit(made.store, nextManifest(base.manifest), base);
  await commit(made.store, firstManifest('web'), null);
  return { ...made, kept, leaving, goneAt };
}

async function backupOf(made: Made): Promise<Backup> {
  return { madeAt: Date.UTC(2026, 0, 2), by: 'jwtrot test', keysets: await readContents(optionsOf(made)), kek: null };
}

describe('the contents of a store', () => {
  it('are the newest manifests and every wrapped key, with its deletion', async () => {
    const made = await furnished();
    const [api, web] = await readContents(optionsOf(made));
    expect(api).toMatchObject({ name: 'api', manifest: { revision: 2 }, decoded: { revision: 2 } });
    expect(api?.keys.map(({ thumbprint, goneAt }) => [thumbprint, goneAt]).sort()).toEqual(
      [
        [made.kept.thumbprint, null],
        [made.leaving.thumbprint, made.goneAt],
      ].sort(),
    );
    expect(web).toMatchObject({ name: 'web', keys: [], manifest: { revision: 1 } });
  });

  it('are read again where a commit came in between', async () => {
    const made = await furnished();
    const base = await made.store.readManifest('api');
    let commits = 0;
    const files: Partial<Files> = {
      async readdir(folder) {
        // While keys are listed for the first time, a run goes on.
        if (folder.endsWith('api/keys') && commits++ === 0) {
          await commit(made.store, nextManifest(base!.manifest), base);
          await made.store.deleteKey('api', made.kept.thumbprint, { ...LATER, purge: true });
        }
        return realFiles.readdir(folder);
      },
    };
    const [api] = await readContents(optionsOf(made, files));
    expect(api?.manifest?.revision).toBe(3);
    expect(api?.keys.map((key) => key.thumbprint)).toEqual([made.leaving.thumbprint]);
  });

  it('names keys in use whose secret is lost', async () => {
    const made = await furnished();
    await made.store.deleteKey('api', made.kept.thumbprint, { ...LATER, purge: true });
    const [api] = await readContents(optionsOf(made));
    expect(lostKeys(api!).map(({ kid }) => kid)).toEqual([made.kept.thumbprint, made.leaving.thumbprint]);
  });

  it.each([['manifest'], ['keys'], ['']])(
    'name what lies in the place of a directory of a keyset: %j',
    async (place) => {
      const made = await furnished();
      const path = join(made.path, 'zzz', place);
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path.replace(/\/$/, ''), '');
      await expect(readContents(optionsOf(made))).rejects.toMatchObject({
        code: 'store-not-a-directory',
        message: expect.stringContaining('cannot read keyset zzz in '),
        hint: `move away what lies at ${path.replace(/\/$/, '')}`,
      });
    },
  );

  it('hint at moving a revision away that no keyset comes to', async () => {
    const made = await furnished();
    const path = join(made.path, 'api', 'manifest', '9999999999.json');
    await writeFile(path, '{');
    await expect(readContents(optionsOf(made))).rejects.toMatchObject({
      code: 'manifest-foreign',
      hint: expect.stringContaining(`mv ${path} ${path}.foreign`),
    });
  });

  it('of a damaged key or manifest are none', async () => {
    const made = await furnished();
    const path = join(made.path, 'api', 'keys', `${made.kept.thumbprint}.json`);
    await realFiles.unlink(path);
    await realFiles.open(path, 'wx').then((file) => file.close());
    await expect(readContents(optionsOf(made))).rejects.toMatchObject({ kind: 'refused', code: 'key-damaged' });
  });
});

describe('the text of a backup', () => {
  it('holds what the store held, and the KEK as bytes', async () => {
    const made = await furnished();
    const backup = { ...(await backupOf(made)), kek: new Uint8Array(Buffer.from('k'.repeat(43))) };
    const read = decodeBackup(encodeBackup(backup), 'b');
    const bare = backup.keysets.map(({ name, manifest, keys }) => ({ name, manifest, keys }));
    expect(read).toEqual({ ...backup, keysets: bare });
  });

  it('is refused with any byte changed, left out or cut off', async () => {
    const made = await furnished();
    const bytes = encodeBackup({ ...(await backupOf(made)), kek: new Uint8Array(Buffer.from('k'.repeat(43))) });
    const refused = { kind: 'refused', code: expect.stringMatching(/^backup-(damaged|foreign|schema)$/) };
    for (let at = 0; at < bytes.length; at += 3) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => decodeBackup(changed, 'b'), `byte ${at}`).toThrow(expect.objectContaining(refused));
      expect(() => decodeBackup(bytes.subarray(0, at), 'b'), `cut at ${at}`).toThrow(expect.objectContaining(refused));
    }
    const lines = bytes.toString().split('\n');
    for (let line = 1; line < lines.length - 2; line += 1) {
      const without = Buffer.from(lines.filter((_, i) => i !== line).join('\n'));
      expect(() => decodeBackup(without, 'b'), `line ${line}`).toThrow(expect.objectContaining(refused));
    }
  });

  it('with a key twice is damaged: a store has one place for it', async () => {
    const backup = await backupOf(await furnished());
    const keysets = backup.keysets.map((one) => ({ ...one, keys: [...one.keys, ...one.keys.slice(-1)] }));
    expect(() => decodeBackup(encodeBackup({ ...backup, keysets }), 'b')).toThrow(
      expect.objectContaining({ code: 'backup-damaged', message: expect.stringMatching(/key .* is in it twice/) }),
    );
  });

  it('of a later schema says so', () => {
    const later = Buffer.from('{"format":"jwtrot-backup","schema":2,"madeAt":"2026-01-01T00:00:00.000Z","by":"x"}\n');
    expect(() => decodeBackup(later, 'b')).toThrow(expect.objectContaining({ code: 'backup-schema' }));
  });

  it('whose digests are right, but whose manifest or key is not, does not pass the check', async () => {
    const { keysets } = await backupOf(await furnished());
    const [api] = keysets;
    const forged = {
      ...api!,
      manifest: { revision: 2, text: api!.manifest!.text.replace('"schema":1', '"schema":2') },
    };
    await expect(checkKeyset(forged, { path: 'b', thumbprintOf })).rejects.toMatchObject({ code: 'manifest-schema' });
    const [torn, lost] = [
      { ...api!, manifest: { revision: 2, text: '{' } },
      { ...api!, keys: [{ ...api!.keys[0]!, text: '{' }] },
    ];
    for (const one of [torn, lost]) {
      await expect(checkBackedUp(one, { path: '/b', thumbprintOf })).rejects.toMatchObject({
        code: 'backup-damaged',
        message: expect.stringContaining('/b'),
        hint: expect.stringMatching(/^take another backup/),
      });
    }
    const moved = { ...api!, name: 'web' };
    await expect(checkKeyset(moved, { path: 'b', thumbprintOf })).rejects.toMatchObject({ kind: 'refused' });
  });
});

describe('a restored store', () => {
  it('is what it was, for its owner alone', async () => {
    const made = await furnished();
    const { keysets } = await backupOf(made);
    const other = await makeStore();
    await placeContents(keysets, optionsOf(other));
    expect((await other.store.readManifest('api'))?.manifest).toEqual((await made.store.readManifest('api'))?.manifest);
    expect(await other.store.getKey('api', made.kept.thumbprint)).toEqual(jweWrapped(made.kept));
    expect(await other.store.getKey('api', made.leaving.thumbprint)).toBeNull();
    expect(await other.store.deleteKey('api', made.leaving.thumbprint, LATER)).toBe(made.goneAt);
    for (const name of ['', ...(await everythingIn(other.path))]) {
      expect((await stat(join(other.path, name))).mode & 0o077, name).toBe(0);
    }
    expect(await readdir(join(other.path, '..'))).toEqual(['store']);
    const base = await other.store.readManifest('api');
    await commit(other.store, nextManifest(base!.manifest), base);
  });

  it('takes the place of an empty directory, of nothing else', async () => {
    const made = await furnished();
    const { keysets } = await backupOf(made);
    await expect(assertEmpty({ path: made.path })).rejects.toMatchObject({
      code: 'store-not-empty',
      message: expect.stringContaining('"api", "web"'),
    });
    const before = await everythingIn(made.path);
    await expect(placeContents(keysets, optionsOf(made))).rejects.toMatchObject({ code: 'store-not-empty' });
    expect(await everythingIn(made.path)).toEqual(before);
    expect(await readdir(join(made.path, '..'))).toEqual(['store']);

    const empty = await makeStore();
    await realFiles.mkdir(empty.path, 0o700);
    await assertEmpty({ path: empty.path });
    await placeContents(keysets, optionsOf(empty));
    expect(await empty.store.listKeysets()).toEqual(['api', 'web']);
  });

  it('takes away what a killed restore left, and nothing that others made or may write', async () => {
    const { keysets } = await backupOf(await furnished());
    const made = await makeStore();
    const parent = join(made.path, '..');
    const old = new Date(made.clock.now() - 3_600_000);
    const left = (name: string) => join(parent, `.store-restored-${name}`);
    await mkdir(join(parent, 'elsewhere'));
    await writeFile(join(parent, 'elsewhere', 'kept'), '');
    await symlink('elsewhere', left('link'));
    for (const name of ['ours', 'open', 'stranger']) {
      await mkdir(left(name), 0o700);
      await writeFile(join(left(name), 'file'), '');
    }
    await chmod(left('open'), 0o777);
    for (const name of ['ours', 'open', 'stranger', 'link']) await lutimes(left(name), old, old);
    await utimes(join(parent, 'elsewhere'), old, old);
    const lstat: Files['lstat'] = async (path) => {
      const facts = await realFiles.lstat(path);
      return Object.assign(facts, path.endsWith('stranger') ? { uid: UID + 1 } : {});
    };
    await placeContents(keysets, optionsOf(made, { lstat }));
    expect((await readdir(parent)).sort()).toEqual([
      '.store-restored-link',
      '.store-restored-open',
      '.store-restored-stranger',
      'elsewhere',
      'store',
    ]);
    for (const name of ['open', 'stranger']) expect(await readdir(left(name))).toEqual(['file']);
    expect(await readdir(join(parent, 'elsewhere'))).toEqual(['kept']);
  });

  it('is there as a whole or not at all, whichever system call fails', async () => {
    const { keysets } = await backupOf(await furnished());
    let failed = 0;
    for (let at = 1; ; at += 1) {
      const made = await makeStore(`store${at}`);
      let calls = 0;
      const failing = (name: string, call: (...args: never[]) => Promise<unknown>) =>
        (async (...args: never[]) => {
          calls += 1;
          if (calls === at && name !== 'unlink') throw systemError('EIO');
          return call(...args);
        }) as never;
      const entries = Object.entries({
        open: realFiles.open,
        mkdir: realFiles.mkdir,
        rename: realFiles.rename,
        readdir: realFiles.readdir,
        stat: realFiles.stat,
        realpath: realFiles.realpath,
      });
      const files = Object.fromEntries(entries.map(([name, call]) => [name, failing(name, call as never)]));
      const outcome = await placeContents(keysets, optionsOf(made, files as Partial<Files>)).then(
        () => null,
        (error: unknown) => error,
      );
      const keysetsThere = await made.store.listKeysets();
      if (calls < at) {
        expect(outcome).toBeNull();
        break;
      }
      failed += 1;
      expect(keysetsThere.length === 0 || keysetsThere.length === 2, `call ${at}`).toBe(true);
    }
    expect(failed).toBeGreaterThan(20);
  });

  it('is not made where others could replace it', async () => {
    const made = await furnished();
    const { keysets } = await backupOf(made);
    const other = await makeStore();
    await chmod(join(other.path, '..'), 0o777);
    await expect(placeContents(keysets, optionsOf(other))).rejects.toMatchObject({ code: 'store-unsafe' });
    expect(await readdir(join(other.path, '..'))).toEqual([]);
    expect(await readFile(join(made.path, 'web', 'manifest', '0000000001.json'), 'utf8')).toContain('"web"');
  });
});
