import { constants, type Stats } from 'node:fs';
import { access, lstat, readlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { errnoOf } from './errno.js';
import { isSticky, MOST_LINKS, partsOf, type WayProblem } from './trusted-way.js';

/** The owner's group is trusted: it is how jwtrot hands files on. */
const BY_OTHERS = 0o002;

/** The caller may pass it in: a test can't mount. */
export interface PlacementCalls {
  access(path: string, mode: number): Promise<void>;
}

/**
 * Looks whether somebody without a right to it can have put a file, or a link that leads to it, in its place. It checks
 * the folder of the file and of each link: nobody else may write there, unless it is sticky. And it checks whose they
 * are. Folders above those are not checked, unlike by `trustedWay`: volumes of containers lie in folders that all may write.
 * @param path absolute
 * @param uid of this process
 * @throws the failed system call's error (`ENOENT`, `EACCES` …)
 */
export async function misplacement(
  path: string,
  uid: number,
  calls: PlacementCalls = { access },
): Promise<WayProblem | null> {
  let at = '/';
  let left = partsOf(path);
  for (let links = 0; ; ) {
    const [name, ...rest] = left;
    if (name === undefined) return null;
    const next = join(at, name);
    const facts = await lstat(next);
    const isLink = facts.isSymbolicLink();
    const problem = isLink || rest.length === 0 ? await problemOf({ path: next, facts, folder: at, uid }, calls) : null;
    if (problem !== null || (!isLink && rest.length === 0)) return problem;
    if (!isLink) {
      at = next;
      left = rest;
      continue;
    }
    if (++links > MOST_LINKS) return { type: 'loop', path };
    const target = await readlink(next);
    if (isAbsolute(target)) at = '/';
    left = [...partsOf(target), ...rest];
  }
}

interface Step {
  readonly path: string;
  readonly facts: Stats;
  readonly folder: string;
  readonly uid: number;
}

async function problemOf({ path, facts, folder, uid }: Step, calls: PlacementCalls): Promise<WayProblem | null> {
  const around = await lstat(folder);
  if ((around.mode & BY_OTHERS) !== 0 && !isSticky(around) && !(await isReadOnly(folder, calls)))
    return { type: 'writable', path: folder, mode: around.mode & 0o7777 };
  return [0, uid, around.uid].includes(facts.uid) ? null : { type: 'planted', path, owner: facts.uid };
}

/** On a mount that nobody may write, as those of ConfigMaps, which have mode 0777. */
function isReadOnly(folder: string, calls: PlacementCalls): Promise<boolean> {
  return calls.access(folder, constants.W_OK).then(
    () => false,
    (error: unknown) => errnoOf(error) === 'EROFS',
  );
}
