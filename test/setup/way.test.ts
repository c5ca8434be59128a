import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apply, compare } from '../../src/setup/files.js';
import { makeKekFile } from '../../src/setup/kek.js';
import { createIn } from '../../src/setup/own-file.js';
import { ensureDirectory } from '../../src/setup/state-directory.js';
import { inDirectory } from '../../src/setup/way.js';

const UID = process.getuid?.() ?? 0;
const SELF = { uid: UID, gid: process.getgid?.() ?? 0 };
/** Somebody else: as root a real one; any other user can't give files away, and plays both. */
const OTHER = UID === 0 ? { uid: 65_534, gid: 65_534 } : SELF;
const UNIT = '/etc/systemd/system/jwtrot.service';
const FILE = { path: UNIT, text: '# Written by `jwtrot setup systemd`.\n', mode: 0o644 };

let root = '';
let outside = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'jwtrot-way-'));
  outside = mkdtempSync(join(tmpdir(), 'jwtrot-outside-'));
});
afterEach(() => {
  for (const folder of [root, outside]) rmSync(folder, { recursive: true });
});

function folder(path: string, mode = 0o755, owner = SELF): string {
  const at = join(root, path);
  mkdirSync(at, { recursive: true });
  chmodSync(at, mode);
  chownSync(at, owner.uid, owner.gid);
  return at;
}

const reach = (path: string, account: number | null = null) =>
  inDirectory(path, { root, account }, async (directory) => directory?.path.slice(root.length) ?? null);
const unsafe = (why: RegExp) => ({ code: 'unsafe-way', exit: 5, message: expect.stringMatching(why) });

describe('the way to a directory', () => {
  it('leads over directories of root’s, and links that it made', async () => {
    folder('/data/jwks');
    folder('/srv');
    symlinkSync('../data/jwks', join(root, 'srv/jwks'));
    symlinkSync('/srv', join(root, 'also'));
    expect(await reach('/also/jwks')).toBe('/data/jwks');
    expect(await reach('/srv/none/below')).toBe(null);
  });

  it('ends where others may write', async () => {
    folder('/data/shared', 0o777);
    folder('/data/shared/below');
    folder('/data/group', 0o775);
    await expect(reach('/data/shared')).rejects.toMatchObject(unsafe(/shared can be written by others/));
    await expect(reach('/data/shared/below')).rejects.toMatchObject(unsafe(/shared can be written by others/));
    await expect(reach('/data/group/none')).rejects.toMatchObject({
      ...unsafe(/group can be written by others/),
      hint: `chmod go-w ${root}/data/group`,
    });
  });

  it('goes through a sticky directory, where nobody can change a name of root’s, and follows no link there', async () => {
    folder('/tmp', 0o1777);
    folder('/tmp/ours');
    symlinkSync('ours', join(root, 'tmp/link'));
    expect(await reach('/tmp/ours')).toBe('/tmp/ours');
    await expect(reach('/tmp/link')).rejects.toMatchObject(unsafe(/link is a symbolic link that others may change/));
  });

  it('is no file, no FIFO and no loop', async () => {
    writeFileSync(join(root, 'file'), '');
    symlinkSync('/loop', join(root, 'loop'));
    await expect(reach('/file/below')).rejects.toMatchObject(unsafe(/file is no directory/));
    await expect(reach('/loop')).rejects.toMatchObject(unsafe(/loop of symbolic links/));
  });

  it('leads into an account’s directories, and out of them no more', async () => {
    folder('/data/own', 0o700, OTHER);
    folder('/data/own/deeper', 0o700, OTHER);
    expect(await reach('/data/own/deeper', OTHER.uid)).toBe('/data/own/deeper');
    symlinkSync(outside, join(root, 'data/own/link'));
    if (UID !== 0) return;
    folder('/data/own/roots');
    await expect(reach('/data/own')).rejects.toMatchObject(unsafe(/own belongs to user 65534/));
    await expect(reach('/data/own/link', OTHER.uid)).rejects.toMatchObject(unsafe(/link is a symbolic link/));
    await expect(reach('/data/own/roots', OTHER.uid)).rejects.toMatchObject(unsafe(/roots belongs to user 0/));
  });
});

describe('what was opened', () => {
  it('is what is written to, whatever is put in its place meanwhile', async () => {
    const data = folder('/data');
    await inDirectory('/data', { root }, async (directory) => {
      renameSync(data, join(root, 'moved'));
      symlinkSync(outside, data);
      if (directory !== null) await createIn(directory, 'kek', Buffer.from('x'), { mode: 0o600, ...OTHER });
    });
    expect(readdirSync(outside)).toEqual([]);
    expect(statSync(join(root, 'moved/kek'))).toMatchObject({ uid: OTHER.uid, gid: OTHER.gid });
  });
});

describe('the KEK', () => {
  it('belongs to its reader, who passes a directory that had to be made', async () => {
    await makeKekFile('/data/keys/kek', OTHER, root);
    const facts = statSync(join(root, 'data/keys/kek'));
    expect({ uid: facts.uid, gid: facts.gid, mode: facts.mode & 0o777 }).toEqual({ ...OTHER, mode: 0o600 });
    const above = statSync(join(root, 'data/keys'));
    expect({ uid: above.uid, gid: above.gid, mode: above.mode & 0o777 }).toEqual({
      uid: UID,
      gid: OTHER.gid,
      mode: 0o750,
    });
    expect(readFileSync(join(root, 'data/keys/kek'), 'utf8')).toMatch(/^[\w-]{43}\n$/);
    expect(readdirSync(join(root, 'data/keys'))).toEqual(['kek']);
  });

  it('takes nothing that a link leads to: not its owner, not its content', async () => {
    const shadow = join(outside, 'shadow');
    writeFileSync(shadow, 'root:*:', { mode: 0o600 });
    // In a directory that the account may write, its links are not followed.
    folder('/data/own', 0o700, OTHER);
    symlinkSync(shadow, join(root, 'data/own/kek'));
    await makeKekFile('/data/own/kek', OTHER, root);
    expect(statSync(shadow)).toMatchObject({ uid: UID });
    expect(readFileSync(shadow, 'utf8')).toBe('root:*:');
    expect(lstatSync(join(root, 'data/own/kek')).isSymbolicLink()).toBe(true);
    // And none on the way to it.
    folder('/data/shared', 0o1777);
    symlinkSync(outside, join(root, 'data/shared/keys'));
    await expect(makeKekFile('/data/shared/keys/kek', OTHER, root)).rejects.toMatchObject(
      unsafe(/keys is a symbolic link/),
    );
    expect(readdirSync(outside)).toEqual(['shadow']);
  });
});

describe('a state directory', () => {
  it('is made, and made again the account’s alone', async () => {
    folder('/var/lib');
    for (let i = 0; i < 2; i += 1) {
      await ensureDirectory('/var/lib/jwtrot', OTHER, root);
      const { uid, gid, mode } = statSync(join(root, 'var/lib/jwtrot'));
      expect({ uid, gid, mode: mode & 0o777 }).toEqual({ ...OTHER, mode: 0o700 });
      chmodSync(join(root, 'var/lib/jwtrot'), 0o755);
    }
  });

  it('is never what a link of somebody else’s leads to', async () => {
    folder('/var/lib', 0o1777);
    symlinkSync(outside, join(root, 'var/lib/jwtrot'));
    await expect(ensureDirectory('/var/lib/jwtrot', OTHER, root)).rejects.toMatchObject(unsafe(/is a symbolic link/));
    expect(statSync(outside)).toMatchObject({ uid: UID });
  });
});

describe('a unit', () => {
  const write = async () => apply(await compare([FILE], [UNIT], root), root);

  it('is not written over a way that others may change, and nothing of it is made', async () => {
    folder('/etc', 0o777);
    await expect(write()).rejects.toMatchObject(unsafe(/etc can be written by others/));
    expect(readdirSync(join(root, 'etc'))).toEqual([]);
  });

  it('is not written through a link, nor taken for one of setup’s', async () => {
    folder('/etc/systemd/system');
    const target = join(outside, 'unit');
    writeFileSync(target, FILE.text);
    symlinkSync(target, join(root, UNIT));
    await expect(write()).rejects.toMatchObject({ code: 'foreign-file' });
    await expect(compare([], [UNIT], root)).resolves.toEqual([]);
    symlinkSync(target, join(root, 'etc/systemd/system/.jwtrot.service.jwtrot-setup'));
    rmSync(join(root, UNIT));
    await write();
    expect(readFileSync(join(root, UNIT), 'utf8')).toBe(FILE.text);
    expect(lstatSync(join(root, UNIT)).isFile()).toBe(true);
    expect(existsSync(target)).toBe(true);
  });

  it('that somebody else owns is written anew', async () => {
    await write();
    if (UID === 0) chownSync(join(root, UNIT), OTHER.uid, OTHER.gid);
    else chmodSync(join(root, UNIT), 0o666);
    expect(await compare([FILE], [UNIT], root)).toMatchObject([{ type: 'update' }]);
    await write();
    expect(statSync(join(root, UNIT))).toMatchObject({ uid: UID });
    expect(statSync(join(root, UNIT)).mode & 0o777).toBe(0o644);
  });
});
