import { readFile } from 'node:fs/promises';
import { quoteOutside } from '../keyset/outside-text.js';
import { fileProblem } from './file-problem.js';

/** Header names with where their values come from: a literal, or a file (its trailing newline dropped). Values are never printed. */
export type Headers = Readonly<Record<string, { readonly value: string } | { readonly file: string }>>;

export type HeaderValues =
  | { readonly ok: true; readonly values: Record<string, string> }
  | { readonly ok: false; readonly reason: string };

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; // RFC 9110 section 5.1
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/; // RFC 9110 section 5.5: no line break may come in

/** Reads the values now, so that a renewed token file counts at once. A reason names the header, never its value. */
export async function readHeaderValues(headers: Headers): Promise<HeaderValues> {
  const values: Record<string, string> = {};
  for (const [name, source] of Object.entries(headers)) {
    const what = `header ${quoteOutside(name)}`;
    if (!NAME.test(name)) return { ok: false, reason: `${what} is not a header name` };
    let value: string;
    try {
      value = 'value' in source ? source.value : (await readFile(source.file, 'utf8')).replace(/\r?\n$/, '');
    } catch (error) {
      const file = 'file' in source ? source.file : '';
      return { ok: false, reason: `${what}: cannot read ${quoteOutside(file)}: ${fileProblem(error)}` };
    }
    if (!VALUE.test(value)) return { ok: false, reason: `${what}: its value holds characters that no header may` };
    values[name.toLowerCase()] = value;
  }
  return { ok: true, values };
}
