import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

let forbidden: Promise<void> | null = null;

/**
 * Sets this process's core size limit to zero, once. It uses prlimit(1), since Node has no setrlimit(2). Best effort: the
 * unit also sets `LimitCORE=0`.
 */
export function forbidCoreDumps(): Promise<void> {
  forbidden ??= isForbidden() ? Promise.resolve() : prlimit();
  return forbidden;
}

function isForbidden(): boolean {
  try {
    return /^Max core file size\s+0\s+0\s/m.test(readFileSync('/proc/self/limits', 'utf8'));
  } catch {
    return false;
  }
}

function prlimit(): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn('prlimit', [`--pid=${process.pid}`, '--core=0:0'], {
      stdio: 'ignore',
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      timeout: 2_000,
    });
    child.on('error', () => resolve());
    child.on('exit', () => resolve());
  });
}
