import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import { JwtrotError } from '../../keyset/error.js';
import { storeFailure } from './failure.js';
import { type Files, makeFolder, unlessMissing } from './files.js';

const STICKY = 0o1000;
const WRITABLE_BY_OTHERS = 0o022;

function refuse(path: string, why: string, hint: string): JwtrotError {
  return new JwtrotError(
    'refused',
    'store-unsafe',
    `the store's directory ${path} ${why}; nothing was read or changed`,
    {
      hint,
    },
  );
}

function checkOwner(path: string, facts: Stats, uid: number): void {
  if (facts.uid === uid || facts.uid === 0) return;
  throw refuse(
    path,
    `belongs to user ${facts.uid}, who could forge its keys`,
    `run as that user (sudo -u '#${facts.uid}' jwtrot ...), or chown ${uid} ${path}`,
  );
}

function checkRoot(path: string, facts: Stats, uid: number): void {
  if (!facts.isDirectory()) {
    throw new JwtrotError(
      'store',
      'store-not-a-directory',
      `the store ${path} is not a directory; nothing was changed`,
      {
        hint: `move away what lies at ${path}, or set store.path to another directory`,
      },
    );
  }
  checkOwner(path, facts, uid);
  if ((facts.mode & WRITABLE_BY_OTHERS) !== 0) throw refuse(path, 'can be written by others', `chmod go-w ${path}`);
}

/** Whoever may write here could put another directory in the store's place; in a sticky one nobody else can. */
function checkParent(path: string, facts: Stats, uid: number): void {
  checkOwner(path, facts, uid);
  if ((facts.mode & WRITABLE_BY_OTHERS) === 0 || (facts.mode & STICKY) !== 0) return;
  throw refuse(path, 'can be written by others, who could replace the store', `chmod go-w ${path}`);
}

/**
 * Whether the store's directory is there. Makes nothing.
 * @throws JwtrotError `store-unsafe` when others than `uid` and root could write it or replace it
 */
export async function isRootThere(files: Files, path: string, uid: number): Promise<boolean> {
  try {
    // StateDirectory= with DynamicUser= is a symbolic link: what counts is where it leads.
    const real = await unlessMissing(files.realpath(path), null);
    if (real === null) return false;
    checkRoot(path, await files.stat(real), uid);
    checkParent(dirname(real), await files.stat(dirname(real)), uid);
    return true;
  } catch (error) {
    throw storeFailure(error, 'open the store', path, 'nothing was changed');
  }
}

/** Makes the store's directory when it is missing, 0700. The same refusals, before anything is made. */
export async function ensureRoot(files: Files, path: string, uid: number): Promise<void> {
  if (await isRootThere(files, path, uid)) return;
  try {
    let parent = dirname(path);
    for (;;) {
      const real = await unlessMissing(files.realpath(parent), null);
      if (real !== null) {
        checkParent(parent, await files.stat(real), uid);
        break;
      }
      parent = dirname(parent);
    }
    await makeFolder(files, path);
  } catch (error) {
    throw storeFailure(error, 'make the store', path, 'nothing was changed');
  }
  await isRootThere(files, path, uid);
}
