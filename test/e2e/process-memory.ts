import { createPrivateKey, type JsonWebKey } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** What to look for, by what it is. */
export type Needles = ReadonlyMap<string, Buffer>;

/** Bytes that must all be there: enough to be no chance, few enough that a copy that was half overwritten is found. */
const LENGTH = 24;
const PIECE = 1 << 20;
const NOTHING = Buffer.alloc(PIECE + LENGTH);

/**
 * A secret in each form in which a process may hold it: as it is, in the byte order of OpenSSL's numbers, and as the text of
 * base64, base64url and hexadecimal. Its middle alone: ends may stand anywhere.
 */
export function formsOf(name: string, secret: Uint8Array): Needles {
  const bytes = Buffer.from(secret);
  const forms = new Map<string, Buffer>();
  const add = (form: string, whole: Buffer) => {
    const from = Math.floor((whole.length - LENGTH) / 2);
    forms.set(`${name} ${form}`, whole.subarray(from, from + LENGTH));
  };
  add('as bytes', bytes);
  add('as a number of OpenSSL', Buffer.from(bytes).reverse());
  for (const encoding of ['base64', 'base64url', 'hex'] as const) {
    const text = bytes.toString(encoding);
    add(`as ${encoding}`, Buffer.from(text));
  }
  return forms;
}

/** Every private number of a key and its PKCS#8. @param der PKCS#8 */
export function formsOfKey(der: Uint8Array): Needles {
  const jwk: JsonWebKey = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }).export({
    format: 'jwk',
  });
  const numbers = (['d', 'p', 'q', 'dp', 'dq', 'qi'] as const).flatMap((name) => {
    const value = jwk[name];
    return value === undefined ? [] : [...formsOf(name, Buffer.from(value, 'base64url'))];
  });
  return new Map([...formsOf('PKCS#8', der), ...numbers]);
}

/** Which of them lie in what a process may write (proc_pid_maps(5), proc_pid_mem(5)), each with the mappings it is in. */
export function foundIn(pid: number, needles: Needles): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').trimEnd().split('\n')) {
      const [range = '', permissions = '', , , , name = ''] = line.split(/\s+/);
      if (!permissions.startsWith('rw')) continue;
      const [from = 0, to = 0] = range.split('-').map((text) => Number.parseInt(text, 16));
      for (let at = from; at < to; at += PIECE) {
        const piece = Buffer.alloc(Math.min(PIECE + LENGTH, to - at));
        if (!read(memory, piece, at) || piece.equals(NOTHING.subarray(0, piece.length))) continue;
        for (const [what, needle] of needles) {
          for (let hit = piece.indexOf(needle); hit !== -1; hit = piece.indexOf(needle, hit + 1)) {
            found[what] = [...(found[what] ?? []), `${name || 'anonymous'} ${(at + hit).toString(16)}`];
          }
        }
      }
    }
  } finally {
    closeSync(memory);
  }
  return found;
}

/** A stack's guard, or what was given back since. */
function read(memory: number, piece: Buffer, at: number): boolean {
  try {
    return readSync(memory, piece, 0, piece.length, at) > 0;
  } catch {
    return false;
  }
}
