import { JwtrotError } from '../keyset/basics/error.js';
import { own } from '../keyset/basics/foreign-json.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { errnoOf } from './errno.js';

const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK']);

/** For the error of a system call: the code of our error, the reason in words, and a hint that names the path. */
type Reason = readonly [code: string, reason: string, hint: (path: string) => string];
const REASONS: Readonly<Record<string, Reason>> = {
  ENOSPC: ['store-full', 'the disk is full', (path) => `free some space (df -h ${path}; df -i ${path}) and run again`],
  EDQUOT: ['store-full', 'the disk quota is used up', (path) => `free some space under ${path} and run again`],
  EACCES: ['store-denied', 'permission denied', (path) => `run as the owner of ${path} (ls -ld ${path})`],
  EPERM: ['store-denied', 'operation not permitted', (path) => `run as the owner of ${path} (ls -ld ${path})`],
  EROFS: [
    'store-read-only',
    'the file system is read-only',
    (path) => `mount it writable, or under systemd add ReadWritePaths=${path}`,
  ],
  ETIMEDOUT: ['store-hangs', 'it does not answer', (path) => `is it on a file system whose server is gone? df ${path}`],
  ENOTDIR: ['store-not-a-directory', 'it is not a directory', (path) => `move away what lies at ${path}`],
};

/**
 * Turns the error of a system call into a `JwtrotError`. It returns a `JwtrotError` unchanged.
 * @param what such as `write revision 5 of keyset api`
 * @param state the state that things are in now
 */
export function storeFailure(error: unknown, what: string, path: string, state: string): JwtrotError {
  if (error instanceof JwtrotError) return error;
  const errno = errnoOf(error);
  const [code, reason, hint] = own(REASONS, errno) ?? unnamed(error, errno);
  return new JwtrotError('store', code, `cannot ${what} in ${path}: ${reason}; ${state}`, {
    hint: hint(path),
    cause: error,
  });
}

function unnamed(error: unknown, errno: string): Reason {
  if (errno !== '') {
    return ['store-failed', errno, (path) => `look at ${path} and the kernel's log (dmesg), then run again`];
  }
  // No system call failed: this is a bug in jwtrot.
  const message = quoteOutside(error instanceof Error ? error.message : String(error));
  return ['store-failed', `a failure nobody foresaw: ${message}`, () => 'please report it, with what --debug prints'];
}

/** For a failed hard link. Making that link is what decides a commit, and some file systems have no hard links. */
export function linkFailure(error: unknown, what: string, path: string, state: string): JwtrotError {
  if (!NO_LINKS.has(errnoOf(error))) return storeFailure(error, what, path, state);
  return new JwtrotError(
    'store',
    'store-without-hard-links',
    `cannot ${what} in ${path}: its file system has no hard links; ${state}`,
    { hint: 'put the store on a local ext4, xfs, btrfs or tmpfs', cause: error },
  );
}
