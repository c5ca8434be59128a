import { fromBase64 } from './base64.js';
import { RSA_PRIVATE } from './pkcs8.js';

/** A JWK's text, and the private numbers that were cut out of it. */
export interface Cut {
  /** Has a mark such as `#0`, which can't be base64url, in place of each number. */
  readonly text: string;
  /** The number behind a mark; null when there is none or the number was not base64url. */
  numberOf(value: string): Uint8Array | null;
  /** Overwrites the numbers. */
  wipe(): void;
}

const PRIVATE: ReadonlySet<string> = new Set(RSA_PRIVATE);
/** Characters of the longest name in `PRIVATE`. */
const LONGEST_NAME = 2;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/**
 * Cuts the private values (`"d"`, `"p"`, …) out of JSON, at any depth, before it becomes a string. The parser judges the
 * JSON later. An escaped name (`"\u0064"`) is not recognized: its value stays in the text and is refused there, since it
 * is no mark.
 */
export function cutNumbers(json: Buffer): Cut {
  const numbers: (Uint8Array | null)[] = [];
  const parts: Buffer[] = [];
  let done = 0;
  let name = '';
  for (let at = json.indexOf(QUOTE); at !== -1; at = json.indexOf(QUOTE, at)) {
    const end = endOfString(json, at);
    if (PRIVATE.has(name)) {
      parts.push(json.subarray(done, at + 1), Buffer.from(`#${numbers.length}`));
      numbers.push(numberIn(json.subarray(at + 1, end)));
      done = end;
      name = '';
    } else {
      name = isName(json, end) && end - at - 1 <= LONGEST_NAME ? json.toString('latin1', at + 1, end) : '';
    }
    at = end + 1;
  }
  return {
    text: Buffer.concat([...parts, json.subarray(done)]).toString('utf8'),
    numberOf: (mark) => (/^#\d+$/.test(mark) ? (numbers[Number(mark.slice(1))] ?? null) : null),
    wipe() {
      for (const number of numbers) number?.fill(0);
    },
  };
}

/** The index of the closing quote, or the end of the text when there is none. */
function endOfString(json: Buffer, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return Math.min(at, json.length);
}

/** Whether a colon and a string follow. */
function isName(json: Buffer, end: number): boolean {
  const colon = skipBlanks(json, end + 1);
  return json[colon] === COLON && json[skipBlanks(json, colon + 1)] === QUOTE;
}

function skipBlanks(json: Buffer, from: number): number {
  let at = from;
  while ([0x20, 0x09, 0x0a, 0x0d].includes(json[at] ?? 0)) at++;
  return at;
}

function numberIn(text: Buffer): Uint8Array | null {
  return text.length === 0 || text.includes('+') || text.includes('/') ? null : fromBase64(text);
}
