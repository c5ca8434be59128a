import { chmod, mkdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { JwtrotError } from '../../keyset/error.js';
import type { SetupFile } from './render.js';

/** What has to be done to one file. */
export interface Change {
  readonly path: string;
  readonly type: 'create' | 'update' | 'remove' | 'keep';
  readonly file: SetupFile | null;
}

/** By it setup knows its own files: others are never overwritten or removed. */
const MARK = 'Written by `jwtrot setup ';

/**
 * What must change so that of `managed` exactly `files` are there.
 * @param root `/`, or a folder that stands for it
 * @throws JwtrotError `foreign-file` when a file there was not written by setup
 */
export async function compare(
  files: readonly SetupFile[],
  managed: readonly string[],
  root: string,
): Promise<readonly Change[]> {
  const wanted = await Promise.all(files.map((file) => compareFile(file, root)));
  const names = new Set(files.map((file) => file.path));
  const others = await Promise.all(managed.filter((path) => !names.has(path)).map((path) => leftover(path, root)));
  return [...wanted, ...others.flat()];
}

async function compareFile(file: SetupFile, root: string): Promise<Change> {
  const at = join(root, file.path);
  const found = await textOf(at);
  if (found === null) return { path: file.path, type: 'create', file };
  if (!found.includes(MARK)) throw foreign(file.path);
  const same = found === file.text && ((await stat(at)).mode & 0o777) === file.mode;
  return { path: file.path, type: same ? 'keep' : 'update', file };
}

async function leftover(path: string, root: string): Promise<Change[]> {
  const found = await textOf(join(root, path));
  return found?.includes(MARK) === true ? [{ path, type: 'remove', file: null }] : [];
}

export async function apply(changes: readonly Change[], root: string): Promise<void> {
  for (const { path, type, file } of changes) {
    if (type === 'keep') continue;
    if (file === null) await remove(join(root, path));
    else await write(join(root, path), file);
  }
}

async function write(path: string, { text, mode }: SetupFile): Promise<void> {
  const first = await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  // Whatever the umask: systemd reads it as root, but people and `systemctl cat` do not.
  if (first !== undefined)
    for (let made = dirname(path); made.length >= first.length; made = dirname(made)) await chmod(made, 0o755);
  const aside = join(dirname(path), `.jwtrot-setup-${process.pid}`);
  await writeFile(aside, text);
  await chmod(aside, mode);
  await rename(aside, path);
}

/** With the drop-in folder, if nothing of anybody else's is left in it. */
async function remove(path: string): Promise<void> {
  await rm(path, { force: true });
  if (!dirname(path).endsWith('.d') || !path.endsWith('.conf') || !path.includes('/system/')) return;
  await rmdir(dirname(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT') throw error;
  });
}

/** Null where there is none, or where it is hidden from a user who only looks. */
export async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return null;
    throw error;
  }
}

function foreign(path: string): JwtrotError {
  return new JwtrotError('refused', 'foreign-file', `${path} was not written by jwtrot setup; nothing was changed`, {
    hint: `move it away: mv ${path} ${path}.old`,
  });
}
