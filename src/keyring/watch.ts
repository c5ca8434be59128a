import { stat } from 'node:fs/promises';
import { type Duration, SECOND } from '../keyset/basics/clock.js';
import { errnoOf } from '../outside/errno.js';
import { unlessHanging } from '../outside/hanging.js';
import type { Surroundings } from './surroundings.js';

/**
 * A look each second, not inotify: it works on every file system, through links and mounts, and in each worker of a
 * cluster. It costs one stat(2) a file.
 */
const EVERY: Duration = SECOND;

/** Calls `onChange` when one of the files is another one than before, or has changed. @returns ends it */
export async function watchFiles(
  paths: readonly string[],
  surroundings: Pick<Surroundings, 'later'>,
  onChange: () => void,
): Promise<() => void> {
  let isOver = false;
  let cancel = () => {};
  // Taken before the caller reads the files: a change while it reads shows at the next look.
  let seen = await look(paths);
  const again = () => {
    if (isOver) return;
    cancel = surroundings.later(EVERY, () => {
      look(paths).then((now) => {
        if (!isOver && now !== seen) onChange();
        seen = now;
        again();
      }, again);
    });
  };
  again();
  return () => {
    isOver = true;
    cancel();
  };
}

async function look(paths: readonly string[]): Promise<string> {
  return (await Promise.all(paths.map(identity))).join(' ');
}

async function identity(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await unlessHanging(path, () => stat(path, { bigint: true }));
    return [dev, ino, size, mtimeNs, ctimeNs].join('.');
  } catch (error) {
    return errnoOf(error);
  }
}
