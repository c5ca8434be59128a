import { secretBytes } from './secret-bytes.js';

/** A DER element (X.690): its tag and the parts of its contents. */
export interface Der {
  readonly tag: number;
  readonly parts: readonly (Uint8Array | Der)[];
}

export function der(tag: number, ...parts: Der['parts']): Der {
  return { tag, parts };
}

/** Writes into one buffer, so that no intermediate copy of a secret has to be overwritten. */
export function encodeDer(element: Der): Buffer {
  const bytes = secretBytes(sizeOf(element));
  write(element, bytes, 0);
  return bytes;
}

function sizeOf(part: Uint8Array | Der): number {
  if (part instanceof Uint8Array) return part.length;
  const size = contentSize(part);
  return size + (size < 0x80 ? 2 : size < 0x100 ? 3 : 4);
}

function contentSize({ parts }: Der): number {
  return parts.reduce<number>((sum, part) => sum + sizeOf(part), 0);
}

/** @returns the offset of the next element */
function write(part: Uint8Array | Der, bytes: Buffer, start: number): number {
  if (part instanceof Uint8Array) {
    bytes.set(part, start);
    return start + part.length;
  }
  const size = contentSize(part);
  let at = bytes.writeUInt8(part.tag, start);
  if (size >= 0x80) at = bytes.writeUInt8(size < 0x100 ? 0x81 : 0x82, at);
  at = size < 0x100 ? bytes.writeUInt8(size, at) : bytes.writeUInt16BE(size, at);
  return part.parts.reduce<number>((next, inner) => write(inner, bytes, next), at);
}

/** The contents of consecutive elements, as views of `bytes`. Trusts its input: only for DER that OpenSSL wrote. */
export function elementsOf(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at + 1] ?? 0;
    const more = first < 0x80 ? 0 : first & 0x7f;
    const start = at + 2 + more;
    const size = more === 0 ? first : bytes.subarray(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
    at = start + size;
    found.push(bytes.subarray(start, at));
  }
  return found;
}
