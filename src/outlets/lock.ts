import { spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import type { Clock, Duration } from '../keyset/clock.js';
import { JwtrotError } from '../keyset/error.js';
import { quoteOutside } from '../keyset/outside-text.js';
import { FIXED_PATH } from '../outside/command.js';

/*
 * flock(2) locks an open file description. Node has no such call, so flock(1) of util-linux makes it, on a descriptor of
 * ours that it inherits as its third: the description is one, so the lock stays when that child has exited. It goes when
 * we close it or die, however we die. Node opens files with O_CLOEXEC: no other child holds it on.
 */

const BUSY = 75;

/** What a lock is taken with. */
export interface LockOptions {
  readonly timeout: Duration;
  readonly clock: Clock;
  /** Where flock(1) is looked for; the fixed PATH when absent. */
  readonly path?: string | undefined;
}

/**
 * Locks every file, in an order that is the same for all processes. The locks last until the handles are closed.
 * @throws JwtrotError `outlet-busy` (exit 75), `no-flock` (exit 5)
 */
export async function lockFiles(handles: readonly FileHandle[], options: LockOptions): Promise<void> {
  const end = options.clock.monotonic() + options.timeout;
  for (const handle of await inOrder(handles)) {
    await lock(handle, { ...options, timeout: Math.max(0, end - options.clock.monotonic()) });
  }
}

/** By inode, each once: two names may lead to one file, and a second description of it would wait for our first. */
async function inOrder(handles: readonly FileHandle[]): Promise<FileHandle[]> {
  const identified = await Promise.all(
    handles.map(async (handle) => {
      const { dev, ino } = await handle.stat({ bigint: true });
      return { handle, id: `${dev.toString().padStart(20, '0')}:${ino.toString().padStart(20, '0')}` };
    }),
  );
  return [...new Map(identified.map(({ handle, id }) => [id, handle]))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, handle]) => handle);
}

async function lock(handle: FileHandle, { timeout, path }: LockOptions): Promise<void> {
  const { code, stderr } = await runFlock(handle.fd, timeout, path ?? FIXED_PATH);
  if (code === 0) return;
  if (code === BUSY) throw outletBusy();
  throw noFlock(`flock failed: ${quoteOutside(stderr.trim())}`);
}

function runFlock(fd: number, timeout: Duration, path: string): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve, reject) => {
    const seconds = (timeout / 1000).toFixed(3);
    const child = spawn('flock', ['-x', '-w', seconds, '-E', String(BUSY), '3'], {
      stdio: ['ignore', 'ignore', 'pipe', fd],
      env: { PATH: path, LANG: 'C.UTF-8' },
      cwd: '/',
    });
    let stderr = '';
    child.stdio[2]?.on('data', (chunk: Buffer) => {
      if (stderr.length < 400) stderr += chunk.toString('utf8');
    });
    child.once('error', (error) => reject(noFlock('the program flock was not found or could not be started', error)));
    child.once('close', (code) => resolve({ code, stderr }));
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

function noFlock(why: string, cause?: unknown): JwtrotError {
  return new JwtrotError('refused', 'no-flock', `the outlets can't be locked: ${why}; nothing was written`, {
    hint: 'install util-linux (its flock): apt-get install util-linux',
    cause,
  });
}
