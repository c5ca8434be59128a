import type { Stats } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

/** Why the way to a file can't be trusted. `path` is the directory or link at fault. */
export type WayProblem =
  | { readonly type: 'owner'; readonly path: string; readonly owner: number }
  | { readonly type: 'writable'; readonly path: string; readonly mode: number }
  /** It is in a sticky directory that others may write, and belongs to another user. */
  | { readonly type: 'planted'; readonly path: string; readonly owner: number }
  | { readonly type: 'loop'; readonly path: string };

export type TrustedWay =
  /** `real`: the same file's path without links. */
  { readonly ok: true; readonly real: string } | { readonly ok: false; readonly problem: WayProblem };

/** The kernel's own limit (path_resolution(7)). */
export const MOST_LINKS = 40;

export function mayOthersWrite({ mode }: Pick<Stats, 'mode'>): boolean {
  return (mode & 0o022) !== 0;
}

/** In a sticky directory users may add names, but may rename or remove only their own. */
export function isSticky({ mode }: Pick<Stats, 'mode'>): boolean {
  return (mode & 0o1000) !== 0;
}

/**
 * Walks to a file part by part, resolves each link, and checks that only `uid` and root can change any directory on the
 * way. So nobody else can change the result after it returns.
 * @param path absolute
 * @throws the failed system call's error (`ENOENT`, `EACCES` …)
 */
export async function trustedWay(path: string, uid: number): Promise<TrustedWay> {
  const isTrusted = (facts: Stats) => facts.uid === uid || facts.uid === 0;
  let at = '/';
  let left = partsOf(path);
  for (let links = 0; ; ) {
    const directory = await lstat(at);
    if (!isTrusted(directory)) return refused({ type: 'owner', path: at, owner: directory.uid });
    const isShared = mayOthersWrite(directory);
    if (isShared && !isSticky(directory)) {
      return refused({ type: 'writable', path: at, mode: directory.mode & 0o7777 });
    }
    const [name, ...rest] = left;
    if (name === undefined) return { ok: true, real: at };
    const next = join(at, name);
    const facts = await lstat(next);
    // In a directory that is not shared, only root or this user can have put another user's link there (a chown, a
    // backup).
    if (isShared && !isTrusted(facts)) return refused({ type: 'planted', path: next, owner: facts.uid });
    if (facts.isSymbolicLink()) {
      if (++links > MOST_LINKS) return refused({ type: 'loop', path });
      const target = await readlink(next);
      if (isAbsolute(target)) at = '/';
      left = [...partsOf(target), ...rest];
    } else if (rest.length === 0) {
      return { ok: true, real: next };
    } else {
      at = next;
      left = rest;
    }
  }
}

/** `..` goes up from a link's target, so it stays and is walked like any other part. */
export function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function refused(problem: WayProblem): TrustedWay {
  return { ok: false, problem };
}
