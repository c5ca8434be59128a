import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MINUTE } from '../../keyset/basics/clock.js';
import { JwtrotError } from '../../keyset/basics/error.js';
import { quoteOutside } from '../../keyset/basics/outside-text.js';
import { storeFailure } from '../../outside/disk-failure.js';
import { type Files, makeFolder, namesIn, realFiles, syncFolder, writeNew } from '../../outside/durable-files.js';
import { errnoOf } from '../../outside/errno.js';
import { mayOthersWrite } from '../../outside/trusted-way.js';
import { type ContentsOptions, namesInStore, type StoredKeyset } from './contents.js';
import { keyFileOf } from './keys.js';
import { nameOf } from './revision-files.js';
import { ensureRoot } from './root.js';

const ASIDE_LIFE = 10 * MINUTE;

/** @throws JwtrotError `store-not-empty`, which names what lies there */
export async function assertEmpty(options: Pick<ContentsOptions, 'path' | 'files'>): Promise<void> {
  const names = await namesInStore(options);
  if (names.length === 0) return;
  const [shown, more] = [names.slice(0, 8), Math.max(0, names.length - 8)];
  const list = shown.map((name) => quoteOutside(name)).join(', ') + (more > 0 ? ` and ${more} more` : '');
  throw notEmpty(options.path, `: it holds ${list}`);
}

function notEmpty(path: string, what: string): JwtrotError {
  return new JwtrotError('refused', 'store-not-empty', `the store ${path} is not empty${what}; nothing was changed`, {
    hint: `if it is of no use any more, move it away first: mv ${path} ${path}.former`,
  });
}

/**
 * Replaces an absent or empty store. It makes the new one beside it, durable, and then renames it. rename(2) replaces
 * only an empty directory, so nothing that others write to the store meanwhile is lost.
 * @throws JwtrotError `store-not-empty`
 */
export async function placeContents(keysets: readonly StoredKeyset[], options: ContentsOptions): Promise<void> {
  const { path, uid, clock, files = realFiles } = options;
  await ensureRoot(files, path, uid);
  let aside: string | null = null;
  try {
    const real = await files.realpath(path);
    const start = `.${basename(real)}-restored-`;
    await removeOld({ files, uid }, dirname(real), start, clock.now() - ASIDE_LIFE);
    aside = join(dirname(real), `${start}${randomBytes(12).toString('hex')}`);
    await makeFolder(files, aside);
    for (const keyset of keysets) await writeKeyset(files, join(aside, keyset.name), keyset);
    await syncFolder(files, aside);
    await files.rename(aside, real);
  } catch (error) {
    if (aside !== null) await rm(aside, { recursive: true, force: true }).catch(() => undefined);
    throw failure(error, path);
  }
  try {
    await syncFolder(files, dirname(path));
  } catch (error) {
    throw storeFailure(error, 'restore the store', path, 'it is there, but may not outlive a power cut');
  }
}

/**
 * Removes what killed restores left. In a sticky parent (/var/tmp) another user may make directories of that name, swap
 * something in them for a link, and have us remove what the link leads to. So it removes only our own, where nobody
 * else can write. A failure to remove does not stop the restore.
 */
async function removeOld(
  { files, uid }: { readonly files: Files; readonly uid: number },
  folder: string,
  start: string,
  before: number,
): Promise<void> {
  for (const name of (await namesIn(files, folder)).filter((one) => one.startsWith(start))) {
    const path = join(folder, name);
    const facts = await files.lstat(path).catch(() => null);
    if (facts === null || facts.mtimeMs >= before) continue;
    const isOurs = facts.isDirectory() && facts.uid === uid && !mayOthersWrite(facts);
    if (isOurs) await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function writeKeyset(files: Files, folder: string, { manifest, keys }: StoredKeyset): Promise<void> {
  if (manifest !== null) await writeStored(files, join(folder, 'manifest'), nameOf(manifest.revision), manifest.text);
  for (const { thumbprint, goneAt, text } of keys) {
    await writeStored(files, join(folder, 'keys'), keyFileOf(thumbprint, goneAt), text);
  }
}

/** Writes a file of a store that nobody sees yet. The file and its name are durable. */
async function writeStored(files: Files, folder: string, name: string, text: string): Promise<void> {
  await makeFolder(files, folder);
  await writeNew(files, join(folder, name), text);
  await syncFolder(files, folder);
}

function failure(error: unknown, path: string): JwtrotError {
  const errno = errnoOf(error);
  if (errno === 'ENOTEMPTY' || errno === 'EEXIST') return notEmpty(path, ' any more: somebody wrote to it');
  if (errno === 'EBUSY' || errno === 'EXDEV') {
    return new JwtrotError(
      'store',
      'store-is-mounted',
      `the store ${path} is a mount point, which can't be replaced; nothing was changed`,
      {
        hint: `let store.path be a directory below it: ${path}/store`,
        cause: error,
      },
    );
  }
  return storeFailure(error, 'restore the store', path, 'nothing was changed');
}
