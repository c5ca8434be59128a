import { rmdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { JwtrotError } from '../keyset/basics/error.js';
import { errnoOf } from '../outside/errno.js';
import { fileProblem } from '../outside/file-problem.js';
import { uidOf } from './account.js';
import { type Found, type FoundFile, readIn, removeIn, replaceIn } from './own-file.js';
import { WHOSE } from './paths.js';
import type { SetupFile } from './render.js';
import { inDirectory, type WayOptions } from './way.js';

/** The change to one file. */
export interface Change {
  readonly path: string;
  readonly type: 'create' | 'update' | 'remove' | 'keep';
  readonly file: SetupFile | null;
}

/** Marks setup's own files. Setup never overwrites or removes others. */
const MARK = 'Written by `jwtrot setup ';

/**
 * Computes the changes after which exactly `files` exist of `managed`.
 * @param root `/`, or a folder that stands for it
 * @throws JwtrotError `unsafe-way`; `foreign-file` if setup did not write a file there
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
  const found = await lookAt(file.path, root);
  if (found === null || found === 'hidden') return { path: file.path, type: 'create', file };
  if (!isOurs(found)) throw foreign(file.path);
  const same = found.text === file.text && found.mode === file.mode && found.isRoots;
  return { path: file.path, type: same ? 'keep' : 'update', file };
}

async function leftover(path: string, root: string): Promise<Change[]> {
  return isOurs(await lookAt(path, root)) ? [{ path, type: 'remove', file: null }] : [];
}

function isOurs(found: Found): found is FoundFile {
  return found !== null && typeof found === 'object' && found.text.includes(MARK);
}

/** True if setup wrote the file at this path. */
export async function isInstalled(path: string, root = '/'): Promise<boolean> {
  return isOurs(await lookAt(path, root));
}

async function lookAt(path: string, root: string): Promise<Found> {
  try {
    return await inDirectory(dirname(path), await wayTo(path, root), async (directory) =>
      directory === null ? null : readIn(directory, basename(path)),
    );
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return 'hidden';
    throw error;
  }
}

async function wayTo(path: string, root: string): Promise<WayOptions> {
  const user = WHOSE[path];
  return { root, account: user === undefined ? null : await uidOf(user) };
}

/** @throws JwtrotError `setup-failed`, `unsafe-way` */
export async function apply(changes: readonly Change[], root: string): Promise<void> {
  for (const { path, type, file } of changes) {
    if (type === 'keep') continue;
    try {
      await (file === null ? remove(path, root) : write(file, root));
    } catch (error) {
      throw unwritten(path, error);
    }
  }
}

async function write({ path, text, mode }: SetupFile, root: string): Promise<void> {
  // Readable despite the umask: systemd reads it as root, but people and `systemctl cat` do not.
  await inDirectory(dirname(path), { ...(await wayTo(path, root)), make: { mode: 0o755 } }, async (directory) => {
    if (directory !== null) await replaceIn(directory, basename(path), text, { mode });
  });
}

/** Removes the file, and its drop-in folder if that is then empty. */
async function remove(path: string, root: string): Promise<void> {
  await inDirectory(dirname(path), await wayTo(path, root), async (directory) => {
    if (directory !== null) await removeIn(directory, basename(path));
  });
  const folder = dirname(path);
  if (!folder.endsWith('.d') || !path.endsWith('.conf') || !path.includes('/system/')) return;
  await inDirectory(dirname(folder), { root }, async (directory) => {
    await rmdir(`${directory?.through}/${basename(folder)}`).catch((error: unknown) => {
      if (!['ENOTEMPTY', 'ENOENT'].includes(errnoOf(error))) throw error;
    });
  });
}

function foreign(path: string): JwtrotError {
  return new JwtrotError('refused', 'foreign-file', `${path} was not written by jwtrot setup; nothing was changed`, {
    hint: `move it away: mv ${path} ${path}.old`,
  });
}

/** Explains a failed system call to a person. Passes a `JwtrotError` through. */
export function unwritten(path: string, error: unknown): unknown {
  if (error instanceof JwtrotError || errnoOf(error) === '') return error;
  return new JwtrotError('services', 'setup-failed', `cannot write ${path}: ${fileProblem(error)}`, {
    hint: 'see to it and run the same command again: what is done already is not done twice',
    cause: error,
  });
}
