import { spawn } from 'node:child_process';
import type { Duration } from '../keyset/basics/clock.js';
import { FIXED_PATH } from './command.js';

/**
 * Checks that a directory's file system answers at all. It runs stat(1), so that a dead server blocks that process and
 * not one of Node's four file threads. statfs(2) is never answered from a cache.
 * @param path the PATH for stat(1)
 * @returns false when nothing comes back within `limit`; an error counts as an answer
 */
export function answers(directory: string, limit: Duration, path: string = FIXED_PATH): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('stat', ['-f', '--', directory], { stdio: 'ignore', env: { PATH: path }, cwd: '/' });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.unref();
      resolve(false);
    }, limit);
    const answered = () => {
      clearTimeout(timer);
      resolve(true);
    };
    child.once('exit', answered);
    child.once('error', answered); // stat(1) is missing: assume that it answers
  });
}
