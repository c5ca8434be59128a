import { quoteOutside } from '../keyset/basics/outside-text.js';
import { readGuarded } from './read-file.js';
import { readProblemReason } from './read-problem.js';

/** Where each header's value comes from: a literal, or a file without its trailing newline. Values are never printed. */
export type Headers = Readonly<Record<string, { readonly value: string } | { readonly file: string }>>;

export type HeaderValues =
  | { readonly ok: true; readonly values: Record<string, string> }
  | { readonly ok: false; readonly reason: string };

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; // RFC 9110 section 5.1
/** Bytes. The most that Node sends in all headers together. */
const LONGEST = 16 * 1024;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/; // RFC 9110 section 5.5; a line break would inject a header

/**
 * Reads the values for each request, so that a renewed token file counts at once. A reason names the header, never its
 * value.
 * @param uid this process's: the files must belong to it or to root
 */
export async function readHeaderValues(headers: Headers, uid: number): Promise<HeaderValues> {
  const values: [string, string][] = [];
  for (const [name, source] of Object.entries(headers)) {
    const what = `header ${quoteOutside(name)}`;
    if (!NAME.test(name)) return { ok: false, reason: `${what} is not a header name` };
    const found = 'value' in source ? source : await readHeaderFile(source.file, uid);
    if ('reason' in found) return { ok: false, reason: `${what}: ${found.reason}` };
    if (!VALUE.test(found.value))
      return { ok: false, reason: `${what}: its value holds characters that no header may` };
    values.push([name.toLowerCase(), found.value]);
  }
  return { ok: true, values: Object.fromEntries(values) };
}

async function readHeaderFile(path: string, uid: number): Promise<{ value: string } | { reason: string }> {
  const read = await readGuarded(path, { limit: LONGEST, links: 'refuse', uid, forbidden: 0o022, real: true });
  if (!read.ok) return { reason: `cannot read ${quoteOutside(path)}: ${readProblemReason(read.problem)}` };
  const value = read.bytes.toString('utf8').replace(/\r?\n$/, '');
  read.bytes.fill(0);
  return { value };
}
