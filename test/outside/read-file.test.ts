import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, lchownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { misplacement } from '../../src/outside/placement.js';
import { type ReadRules, readGuarded } from '../../src/outside/read-file.js';
import { readProblemReason } from '../../src/outside/read-problem.js';

const rules: ReadRules = { limit: 100, links: 'follow' };
const isRoot = process.getuid?.() === 0;
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jwtrot-read-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function made(name: string, content = 'text'): string {
  writeFileSync(join(folder, name), content, { mode: 0o600 });
  return join(folder, name);
}

async function reasonOf(path: string, more: Partial<ReadRules> = {}): Promise<string> {
  const read = await readGuarded(path, { ...rules, ...more });
  return read.ok ? `read ${read.bytes.length}` : readProblemReason(read.problem);
}

describe('a guarded read', () => {
  it('gives a regular file whole, empty ones and such as are as long as allowed too', async () => {
    const read = await readGuarded(made('a', 'two\nlines'), rules);
    expect(read.ok && read.bytes.toString()).toBe('two\nlines');
    expect(await reasonOf(made('b', ''))).toBe('read 0');
    expect(await reasonOf(made('c', 'x'.repeat(100)))).toBe('read 100');
  });

  it('waits for nothing: FIFOs, sockets, devices and directories are refused at once', async () => {
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    mkdirSync(join(folder, 'directory'));
    const server = createServer().listen(join(folder, 'socket'));
    await once(server, 'listening');
    // More than the pool has threads: one that blocked would keep the rest from ever being answered.
    const many = await Promise.all(Array.from({ length: 12 }, () => reasonOf(join(folder, 'fifo'))));
    expect(new Set(many)).toEqual(new Set(['it is a FIFO, not a regular file']));
    expect(await reasonOf(join(folder, 'directory'))).toBe('it is a directory, not a regular file');
    expect(await reasonOf(join(folder, 'socket'))).toBe('it is a socket, not a regular file');
    expect(await reasonOf('/dev/zero')).toBe('it is a device, not a regular file');
    expect(await reasonOf('/dev/tty')).toMatch(/it is a (device|socket), not a regular file/);
    server.close();
  });

  it('stops behind the limit, whatever size the file claims', async () => {
    expect(await reasonOf(made('long', 'x'.repeat(101)))).toBe('it is larger than 100 bytes');
    // Claims nothing and holds much: so does a file that grows while it is read.
    const growing = { open: (path: string, flags: string | number | undefined) => grown(path, flags) };
    const read = await readGuarded(made('grows', 'x'.repeat(500)), rules, growing as typeof fs);
    expect(!read.ok && readProblemReason(read.problem)).toBe('it is larger than 100 bytes');
    const fits = await readGuarded(made('grew', 'x'.repeat(90)), rules, growing as typeof fs);
    expect(fits.ok && fits.bytes.toString()).toBe('x'.repeat(90));
  });

  async function grown(path: string, flags: string | number | undefined): Promise<fs.FileHandle> {
    const file = await fs.open(path, flags);
    const stat = file.stat.bind(file);
    file.stat = (async () => Object.assign(await stat(), { size: 10 })) as unknown as typeof file.stat;
    return file;
  }

  it('refuses a link where none should be, and names the file that it leads to', async () => {
    symlinkSync(made('real'), join(folder, 'link'));
    symlinkSync('nowhere', join(folder, 'dangling'));
    expect(await reasonOf(join(folder, 'link'))).toBe('read 4');
    expect(await reasonOf(join(folder, 'link'), { links: 'refuse' })).toBe(
      `it is a symbolic link: configure the file that it leads to, "${join(folder, 'real')}"`,
    );
    expect(await reasonOf(join(folder, 'dangling'), { links: 'refuse' })).toBe('it is a symbolic link');
    expect(await reasonOf(join(folder, 'dangling'))).toBe('no such file');
    expect(await reasonOf(join(folder, 'real', 'below'))).toBe('a part of its path is no directory');
  });

  it('names what a link leads to by the name that lasts, as in a volume of Kubernetes', async () => {
    mkdirSync(join(folder, '..2026_11_26'));
    symlinkSync('..2026_11_26', join(folder, '..data'));
    made('..2026_11_26/token');
    symlinkSync('..data/token', join(folder, 'token'));
    expect(await reasonOf(join(folder, 'token'), { links: 'refuse' })).toContain(`"${folder}/..data/token"`);
    expect(await reasonOf(join(folder, '..data/token'), { links: 'refuse' })).toBe('read 4');
    // `..` leads up from where the directory really is: certbot's live/ and archive/.
    mkdirSync(join(folder, 'archive/site'), { recursive: true });
    mkdirSync(join(folder, 'live/site'), { recursive: true });
    made('archive/site/key3.pem');
    symlinkSync('../../archive/site/key3.pem', join(folder, 'live/site/key.pem'));
    symlinkSync(join(folder, 'live/site'), join(folder, 'tls'));
    expect(await reasonOf(join(folder, 'tls/key.pem'), { links: 'refuse' })).toContain(
      `"${folder}/archive/site/key3.pem"`,
    );
  });

  it('refuses what procfs and sysfs make up, by a link too', async () => {
    symlinkSync('/proc/self/cmdline', join(folder, 'link'));
    expect(await reasonOf(join(folder, 'link'), { real: true, limit: 10_000 })).toMatch(/^it lies in procfs/);
    expect(await reasonOf('/sys/kernel/mm/transparent_hugepage/enabled', { real: true, limit: 10_000 })).toMatch(
      /^(it lies in sysfs|no such file)/,
    );
    expect(await reasonOf(made('real'), { real: true })).toBe('read 4');
  });

  it('refuses modes that give too much away', async () => {
    const path = made('mode');
    chmodSync(path, 0o620);
    expect(await reasonOf(path, { forbidden: 0o022 })).toBe('its mode 0620 lets others write it');
    expect(await reasonOf(path, { forbidden: 0o002 })).toBe('read 4');
  });

  it.runIf(isRoot)("refuses another user's file, as root too, and takes root's", async () => {
    const path = made('owned');
    expect(await reasonOf(path, { uid: 4711 })).toBe('read 4');
    chownSync(path, 4711, 0);
    expect(await reasonOf(path, { uid: 4711 })).toBe('read 4');
    expect(await reasonOf(path, { uid: 0 })).toBe('it belongs to user 4711, not to root');
  });

  it('says what a system call that failed said', async () => {
    const refused = { open: () => Promise.reject(Object.assign(new Error('no'), { code: 'EMFILE' })) };
    const read = await readGuarded(made('a'), rules, refused as unknown as typeof fs);
    expect(!read.ok && readProblemReason(read.problem)).toBe('EMFILE');
  });
});

describe('a file that somebody else may have put there', () => {
  const me = process.geteuid?.() ?? 0;
  const STRANGER = 4_242;
  const OTHER = 4_343;
  const placed = (path: string) => reasonOf(path, { placedFor: me });
  const inFolder = (name: string, mode: number): string => {
    mkdirSync(join(folder, name));
    chmodSync(join(folder, name), mode);
    return made(`${name}/a`);
  };

  it('is refused in a folder that others may write, accepted in one of a group, or a sticky one', async () => {
    expect(await placed(inFolder('open', 0o777))).toMatch(
      /^its folder ".*open" can be written by others \(mode 0777\)/,
    );
    expect(await placed(inFolder('shared', 0o770))).toBe('read 4');
    expect(await placed(inFolder('sticky', 0o1777))).toBe('read 4');
  });

  it('is accepted in a folder of mode 0777 that is mounted read-only, as a ConfigMap is', async () => {
    const path = inFolder('mounted', 0o777);
    const failing = (code: string) => ({ access: () => Promise.reject(Object.assign(new Error(), { code })) });
    expect(await misplacement(path, me, failing('EROFS'))).toBe(null);
    expect(await misplacement(path, me, failing('EACCES'))).toMatchObject({ type: 'writable' });
  });

  it('is refused if any link on the way lies in such a folder', async () => {
    const real = inFolder('safe', 0o755);
    inFolder('open', 0o777);
    symlinkSync(join(folder, 'safe'), join(folder, 'open/link'));
    symlinkSync('open/link', join(folder, 'outer'));
    expect(await placed(join(folder, 'outer/a'))).toMatch(/open" can be written by others/);
    symlinkSync('safe', join(folder, 'inner'));
    symlinkSync('../inner/../inner/a', join(folder, 'safe/again'));
    expect(await placed(join(folder, 'inner/again'))).toBe('read 4');
    rmSync(real);
    symlinkSync('a', real);
    expect(await placed(real)).toMatch(/leads nowhere/);
    expect(await placed(join(folder, 'none/a'))).toBe('no such file');
  });

  it.runIf(isRoot)('is refused if it, or a link to it, belongs to a stranger', async () => {
    const path = inFolder('sticky', 0o1777);
    chownSync(path, STRANGER, STRANGER);
    expect(await placed(path)).toMatch(/a" belongs to user 4242, who is neither root, nor/);
    // As in a volume that was filled by another user: the folder is that user's, too.
    chownSync(join(folder, 'sticky'), STRANGER, STRANGER);
    expect(await placed(path)).toBe('read 4');
    chownSync(join(folder, 'sticky'), OTHER, OTHER);
    expect(await reasonOf(path, { placedFor: STRANGER })).toBe('read 4');
    symlinkSync(made('mine'), join(folder, 'sticky/link'));
    expect(await placed(join(folder, 'sticky/link'))).toBe('read 4');
    lchownSync(join(folder, 'sticky/link'), STRANGER, STRANGER);
    expect(await placed(join(folder, 'sticky/link'))).toMatch(/link" belongs to user 4242/);
  });
});
