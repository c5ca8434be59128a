import { quoteOutside } from '../keyset/outside-text.js';

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ELOOP: 'it is a symbolic link',
};

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Why a file could not be read, for a person. */
export function fileProblem(error: unknown): string {
  const code = errorCode(error);
  return PROBLEMS[code] ?? (code === '' ? quoteOutside(String(error)) : code);
}
