import { fromBase64, toBase64url } from '../keys/base64.js';
import { secretBytes } from '../keys/secret-bytes.js';

/** Bytes: A256GCM takes 256 bits. */
export const KEK_LENGTH = 32;

/** 43 characters of base64url hold 32 bytes. */
const TEXT_LENGTH = 43;
const NEWLINE = 0x0a;

/** The line of a KEK's file: base64url and a newline. The caller overwrites it after use. */
export function encodeKek(kek: Uint8Array): Uint8Array {
  const text = toBase64url(kek);
  const line = secretBytes(TEXT_LENGTH + 1).fill(NEWLINE);
  line.set(text);
  text.fill(0);
  return line;
}

function isBlank(character: number | undefined): boolean {
  return character === NEWLINE || character === 13 || character === 32 || character === 9;
}

/**
 * Reads a KEK from a file's content: 32 raw bytes, or one line of base64url or base64.
 * @returns a new buffer, which the caller overwrites after use; null when the content is no KEK
 */
export function decodeKek(content: Uint8Array): Uint8Array | null {
  if (content.length === KEK_LENGTH) {
    const kek = secretBytes(KEK_LENGTH);
    kek.set(content);
    return kek;
  }
  let end = content.length;
  while (end > 0 && isBlank(content[end - 1])) end--;
  if (end === TEXT_LENGTH + 1 && content[TEXT_LENGTH] === 0x3d) end--;
  return end === TEXT_LENGTH ? fromBase64(content.subarray(0, end)) : null;
}
