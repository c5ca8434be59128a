import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { JwtrotError } from '../keyset/basics/error.js';
import { errnoOf } from '../outside/errno.js';
import { MOST_LINKS, partsOf } from '../outside/trusted-way.js';
import { assertMayMake, assertOurLink, assertOurs, type Trust, unsafeWay } from './trust.js';

/*
 * Root never writes through a name that somebody else can redirect. A path is walked directory by directory: each is
 * opened from the one before, and checked once open. Node has no openat(2), but proc(5) names an open directory:
 * `/proc/self/fd/N/NAME` is NAME in it, even if the directory is moved or replaced.
 */

/** A directory reached only through directories that nobody else can write. */
export interface Directory {
  /** The real path, without links; for people. */
  readonly path: string;
  readonly handle: FileHandle;
  /** The name of the open directory. Use it instead of `path`. */
  readonly through: string;
  readonly facts: Stats;
  /** The owner of `/`. */
  readonly root: number;
}

/** How to make the last directory if it is missing. Missing parents become root's, with mode 0755. */
export interface Making {
  readonly mode: number;
  /** Default: root's. */
  readonly uid?: number;
  readonly gid?: number;
}

export interface WayOptions {
  /** Stands for `/`. */
  readonly root?: string | undefined;
  /** The account that owns the file at the end. Once in this account's directories, the path must stay there. */
  readonly account?: number | null | undefined;
  readonly make?: Making | undefined;
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
const WAY: Making = { mode: 0o755 };

/**
 * Runs `use` while the directory `path` is open; with null if it is missing and not to be made.
 * @throws JwtrotError `unsafe-way` (exit 5) if others than root and the account can change the way there
 */
export async function inDirectory<T>(
  path: string,
  options: WayOptions,
  use: (directory: Directory | null) => Promise<T>,
): Promise<T> {
  const directory = await walk(path, options);
  try {
    return await use(directory);
  } finally {
    await directory?.handle.close();
  }
}

async function walk(path: string, { root = '/', account = null, make }: WayOptions): Promise<Directory | null> {
  const names = partsOf(path);
  let at = await openTop(root);
  const trust = { root: at.root, account };
  let links = 0;
  try {
    assertOurs(at, at, trust);
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      const link = await linkIn(at, name, trust);
      const isLast = names.length === 0;
      if (link === null) {
        const next = await descend(at, name, trust, make === undefined || isLast ? make : WAY);
        await at.handle.close();
        if (next === null) return null;
        at = next;
        continue;
      }
      links += 1;
      if (links > MOST_LINKS) throw unsafeWay(path, 'is a loop of symbolic links', 'name the real directory');
      names.unshift(...partsOf(link));
      if (!link.startsWith('/')) continue;
      await at.handle.close();
      at = await openTop(root);
    }
    return at;
  } catch (error) {
    await at.handle.close();
    throw error;
  }
}

async function openTop(root: string): Promise<Directory> {
  const top = await opened(root, root, root === '/' ? 0 : null);
  const named = await stat(top.through).catch(() => null);
  if (named !== null && named.ino === top.facts.ino && named.dev === top.facts.dev) return top;
  await top.handle.close();
  throw new JwtrotError('refused', 'no-proc', '/proc does not show what this process has open; nothing was changed', {
    hint: 'mount it: mount -t proc proc /proc',
  });
}

/** @param root the uid of the owner of `/`; null: this directory is `/` */
async function opened(way: string, path: string, root: number | null): Promise<Directory> {
  const handle = await open(way, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const facts = await handle.stat();
  return { path, handle, through: `/proc/self/fd/${handle.fd}`, facts, root: root ?? facts.uid };
}

/** The target of a symbolic link; null if it is none. */
async function linkIn(at: Directory, name: string, trust: Trust): Promise<string | null> {
  const way = `${at.through}/${name}`;
  const facts = await lstat(way).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (facts === null || !facts.isSymbolicLink()) return null;
  assertOurLink({ path: join(at.path, name), facts }, at, trust);
  return readlink(way);
}

/** Opens the next directory; null if it is missing and not to be made. */
async function descend(at: Directory, name: string, trust: Trust, make: Making | undefined): Promise<Directory | null> {
  const way = `${at.through}/${name}`;
  const path = join(at.path, name);
  const next = await opened(way, path, at.root).catch((error: unknown) => {
    const code = errnoOf(error);
    if (code === 'ENOENT') return null;
    if (code !== 'ENOTDIR' && code !== 'ELOOP') throw error;
    throw unsafeWay(path, 'is no directory', `see what it is: ls -ld ${path}`);
  });
  if (next !== null) {
    await closing(next, async () => assertOurs(next, at, trust));
    return next;
  }
  if (make === undefined) return null;
  assertMayMake(path, at, trust);
  await mkdir(way, 0o700);
  const made = await opened(way, path, at.root);
  return closing(made, async () => {
    await made.handle.chown(make.uid ?? -1, make.gid ?? -1);
    await made.handle.chmod(make.mode); // after chown, which clears bits; overrides the umask
    await at.handle.sync();
    return { ...made, facts: await made.handle.stat() };
  });
}

/** Closes the directory if `use` fails. */
async function closing<T>({ handle }: Directory, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    await handle.close();
    throw error;
  }
}
