import { quoteOutside } from '../keyset/basics/outside-text.js';
import { readGuarded } from './read-file.js';
import { readProblemReason } from './read-problem.js';

/** Bytes. Enough for a form or a JSON document with credentials. */
const LONGEST = 16 * 1024;

export type RequestBody =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly reason: string };

/**
 * Reads a request's body anew for each request, so that a renewed secret counts at once. The caller overwrites it.
 * @param uid this process's: the file must belong to it or to root
 */
export async function readBody(path: string, uid: number): Promise<RequestBody> {
  const read = await readGuarded(path, { limit: LONGEST, links: 'refuse', uid, forbidden: 0o022, real: true });
  if (read.ok) return { ok: true, bytes: read.bytes };
  return { ok: false, reason: `body: cannot read ${quoteOutside(path)}: ${readProblemReason(read.problem)}` };
}

/** RFC 6749 section 4.4.2 sends a form; a configured header takes its place. */
export function bodyHeaders(bytes: Uint8Array): Record<string, string> {
  return { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(bytes.length) };
}
