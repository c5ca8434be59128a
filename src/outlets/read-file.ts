import type { Stats } from 'node:fs';
import { readGuarded } from '../outside/read-file.js';

/** `unreadable`: something is there, but it is not a readable file, or it is larger than any of ours. */
export type FileFound = { readonly bytes: Buffer; readonly stats: Stats } | 'absent' | 'unreadable';

/** More than any JWKS or key that jwtrot writes. */
export const LONGEST_FILE = 1024 * 1024;

/** Reads a file, whoever owns it. Never throws: the caller judges what was found. */
export async function readOutletFile(path: string, options: { follow: boolean }): Promise<FileFound> {
  const read = await readGuarded(path, { limit: LONGEST_FILE, links: options.follow ? 'follow' : 'refuse' });
  if (read.ok) return read;
  return read.problem.type === 'absent' ? 'absent' : 'unreadable';
}
