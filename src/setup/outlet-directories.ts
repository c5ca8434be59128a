import { JwtrotError } from '../keyset/basics/error.js';
import { errnoOf } from '../outside/errno.js';
import { accountIds } from './account.js';
import { inDirectory } from './way.js';

/** @throws JwtrotError `unsafe-way` for the first path that root can't safely make for user jwtrot */
export async function assertSafe(paths: readonly string[]): Promise<void> {
  const [first] = await unsafeDirectories(paths);
  if (first !== undefined) throw first.problem;
}

/** A directory that setup does not make: others can write on the way to it. */
export interface UnsafeDirectory {
  readonly path: string;
  readonly problem: JwtrotError;
}

/** The paths that others than root and user jwtrot could redirect. A missing path is checked as far as it exists. */
export async function unsafeDirectories(paths: readonly string[]): Promise<UnsafeDirectory[]> {
  const account = (await accountIds())?.uid;
  const found: UnsafeDirectory[] = [];
  for (const path of paths) {
    try {
      await inDirectory(path, { account }, async () => undefined);
    } catch (error) {
      if (error instanceof JwtrotError && error.code === 'unsafe-way') found.push({ path, problem: error });
      else if (errnoOf(error) !== 'EACCES') throw error; // hidden from an unprivileged user's dry run
    }
  }
  return found;
}
