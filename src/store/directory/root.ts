import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import { JwtrotError } from '../../keyset/basics/error.js';
import { storeFailure } from '../../outside/disk-failure.js';
import { type Files, makeFolder, unlessMissing } from '../../outside/durable-files.js';
import { isSticky, mayOthersWrite } from '../../outside/trusted-way.js';

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
  if (mayOthersWrite(facts)) throw refuse(path, 'can be written by others', `chmod go-w ${path}`);
}

/** Anyone who can write in the parent could replace the store's directory, unless the parent is sticky. */
function checkParent(path: string, facts: Stats, uid: number): void {
  checkOwner(path, facts, uid);
  if (!mayOthersWrite(facts) || isSticky(facts)) return;
  throw refuse(path, 'can be written by others, who could replace the store', `chmod go-w ${path}`);
}

/**
 * Whether the store's directory is there. It makes nothing.
 * @throws JwtrotError `store-unsafe` if others than `uid` and root could write or replace it
 */
export async function isRootThere(files: Files, path: string, uid: number): Promise<boolean> {
  try {
    // StateDirectory= with DynamicUser= is a symbolic link, so check where it leads.
    const real = await unlessMissing(files.realpath(path), null);
    if (real === null) return false;
    checkRoot(path, await files.stat(real), uid);
    checkParent(dirname(real), await files.stat(dirname(real)), uid);
    return true;
  } catch (error) {
    throw storeFailure(error, 'open the store', path, 'nothing was changed');
  }
}

/** Makes the store's directory, 0700, if it is missing. Refuses like `isRootThere`, before it makes anything. */
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
