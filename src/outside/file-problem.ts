import { own } from '../keyset/basics/foreign-json.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { errnoOf } from './errno.js';

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ELOOP: 'it is a symbolic link',
};

/** Says why a file could not be read. */
export function fileProblem(error: unknown): string {
  const code = errnoOf(error);
  return own(PROBLEMS, code) ?? (code === '' ? quoteOutside(String(error)) : code);
}
