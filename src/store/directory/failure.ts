import { JwtrotError } from '../../keyset/error.js';
import { errnoOf } from './files.js';

const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK']);

/** What system calls say, in words; with the code of the error and what to do about it at `path`. */
const REASONS: Readonly<Record<string, readonly [code: string, reason: string, hint: (path: string) => string]>> = {
  ENOSPC: ['store-full', 'the disk is full', (path) => `free some space (df -h ${path}; df -i ${path}) and run again`],
  EDQUOT: ['store-full', 'the disk quota is used up', (path) => `free some space under ${path} and run again`],
  EACCES: ['store-denied', 'permission denied', (path) => `run as the owner of ${path} (ls -ld ${path})`],
  EPERM: ['store-denied', 'operation not permitted', (path) => `run as the owner of ${path} (ls -ld ${path})`],
  EROFS: [
    'store-read-only',
    'the file system is read-only',
    (path) => `mount it writable, or under systemd add ReadWritePaths=${path}`,
  ],
  ENOTDIR: ['store-not-a-directory', 'it is not a directory', (path) => `move away what lies at ${path}`],
};

/**
 * A failed system call as a `JwtrotError`; one that is one already is handed on.
 * @param what `write revision 5 of keyset api`
 * @param state what holds now
 */
export function storeFailure(error: unknown, what: string, path: string, state: string): JwtrotError {
  if (error instanceof JwtrotError) return error;
  const errno = errnoOf(error);
  const [code, reason, hint] = REASONS[errno ?? ''] ?? [
    'store-failed',
    errno ?? 'an unknown error',
    () => `look at ${path} and the kernel's log (dmesg), then run again`,
  ];
  return new JwtrotError('store', code, `cannot ${what} in ${path}: ${reason}; ${state}`, {
    hint: hint(path),
    cause: error,
  });
}

/** A hard link that failed: the step that decides commits, and that not every file system can do. */
export function linkFailure(error: unknown, what: string, path: string, state: string): JwtrotError {
  if (!NO_LINKS.has(errnoOf(error) ?? '')) return storeFailure(error, what, path, state);
  return new JwtrotError(
    'store',
    'store-without-hard-links',
    `cannot ${what} in ${path}: its file system has no hard links; ${state}`,
    { hint: 'put the store on a local ext4, xfs, btrfs or tmpfs', cause: error },
  );
}
