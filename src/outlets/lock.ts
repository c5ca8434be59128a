import { spawn } from 'node:child_process';
import type { Clock, Duration } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { FIXED_PATH } from '../outside/command.js';
import type { LockFile } from './lock-file.js';

/*
 * flock(2) locks an open file description. Node lacks the call, so flock(1) of util-linux makes it on a descriptor that
 * it inherits from us as number 3. Both processes share the description, so the lock outlives that child. It ends when
 * we close the file or die, however we die. Node opens files with O_CLOEXEC, so no other child keeps the lock alive.
 */

const BUSY = 75;

export interface LockOptions {
  /** For all locks together. */
  readonly timeout: Duration;
  /** Take all locks at once, so a busy one delays no other. Otherwise one by one, in the same order in every process. */
  readonly alone: boolean;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Where to find flock(1); absent: the fixed PATH. */
  readonly path?: string | undefined;
}

/**
 * Locks every file that becomes free in time. The locks last until the handles are closed.
 * @returns the files that were not locked, and why: `outlet-busy` (exit 75), `no-flock` (exit 5)
 */
export async function lockFiles(
  files: readonly LockFile[],
  { timeout, alone, clock, path }: LockOptions,
): Promise<Map<LockFile, JwtrotError>> {
  const end = clock.monotonic() + timeout;
  const left = () => Math.max(0, end - clock.monotonic());
  const failed = new Map<LockFile, JwtrotError>();
  const take = async (same: readonly LockFile[]) => {
    const problem = await lock(same, left(), path ?? FIXED_PATH);
    if (problem !== null) for (const file of same) failed.set(file, problem);
  };
  const groups = inOrder(files);
  if (alone) await Promise.all(groups.map(take));
  else for (const group of groups) await take(group);
  return failed;
}

/** Groups files by inode: two names may lead to one file, and a second description of it would wait for our first. */
function inOrder(files: readonly LockFile[]): LockFile[][] {
  const ids = [...new Set(files.map(({ id }) => id))].sort();
  return ids.map((id) => files.filter((file) => file.id === id));
}

async function lock([file]: readonly LockFile[], timeout: Duration, path: string): Promise<JwtrotError | null> {
  if (file === undefined) return null;
  const { code, stderr } = await runFlock(file.handle.fd, timeout, path);
  if (code === 0) return null;
  if (code === BUSY) return outletBusy();
  return noFlock(code === null ? stderr : `flock failed: ${quoteOutside(stderr.trim())}`);
}

function runFlock(fd: number, timeout: Duration, path: string): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve) => {
    const seconds = (timeout / 1000).toFixed(3);
    const child = spawn('flock', ['-x', '-w', seconds, '-E', String(BUSY), '3'], {
      stdio: ['ignore', 'ignore', 'pipe', fd],
      env: { PATH: path, LANG: 'C.UTF-8' },
      cwd: '/',
    });
    // flock has a time limit of its own, but on a dead server the system call itself hangs.
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      resolve({ code: BUSY, stderr: '' });
    }, timeout + 500);
    const end = (code: number | null, stderr: string) => {
      clearTimeout(timer);
      resolve({ code, stderr });
    };
    let stderr = '';
    child.stdio[2]?.on('data', (chunk: Buffer) => {
      if (stderr.length < 400) stderr += chunk.toString('utf8');
    });
    child.once('error', () => end(null, 'the program flock was not found or could not be started'));
    child.once('close', (code) => end(code ?? 1, stderr));
  });
}

export function outletBusy(): JwtrotError {
  return new JwtrotError(
    'leased',
    'outlet-busy',
    'another run is writing the outlets of this keyset; this run wrote nothing to them',
    { hint: 'run it again when the other one is done; jwtrot status names it' },
  );
}

function noFlock(why: string): JwtrotError {
  return new JwtrotError('refused', 'no-flock', `the outlets can't be locked: ${why}; nothing was written`, {
    hint: 'install util-linux (its flock): apt-get install util-linux',
  });
}
