/** The length of a KEK in bytes: A256GCM takes 256 bits. */
export const KEK_LENGTH = 32;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** 43 characters of base64url hold 32 bytes; the last one's lowest two bits are zero. */
const TEXT_LENGTH = 43;

// Both work on bytes alone: a JavaScript string of the KEK could not be overwritten after use.

/** A KEK as the line that its file holds: base64url and a newline. The caller overwrites it after use. */
export function encodeKek(kek: Uint8Array): Uint8Array {
  const line = new Uint8Array(TEXT_LENGTH + 1).fill(10, TEXT_LENGTH);
  for (let index = 0; index < TEXT_LENGTH; index++) {
    const bit = index * 6;
    const pair = ((kek[bit >> 3] ?? 0) << 8) | (kek[(bit >> 3) + 1] ?? 0);
    line[index] = ALPHABET.charCodeAt((pair >> (10 - (bit & 7))) & 63);
  }
  return line;
}

function sextetOf(character: number): number {
  if (character === 0x2b) return 62; // + of plain base64
  if (character === 0x2f) return 63; // / of plain base64
  return ALPHABET.indexOf(String.fromCharCode(character));
}

function isBlank(character: number | undefined): boolean {
  return character === 10 || character === 13 || character === 32 || character === 9;
}

/**
 * The KEK in a file's content: 32 raw bytes, or one line of base64url or base64.
 * @returns a buffer of its own, to be overwritten after use; null when it is neither
 */
export function decodeKek(content: Uint8Array): Uint8Array | null {
  if (content.length === KEK_LENGTH) return content.slice();
  let end = content.length;
  while (end > 0 && isBlank(content[end - 1])) end--;
  if (end === TEXT_LENGTH + 1 && content[TEXT_LENGTH] === 0x3d) end--;
  if (end !== TEXT_LENGTH) return null;
  const kek = new Uint8Array(KEK_LENGTH);
  let bits = 0;
  let count = 0;
  for (let index = 0, at = 0; index < end; index++) {
    const value = sextetOf(content[index] ?? 0);
    if (value < 0) {
      kek.fill(0);
      return null;
    }
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      kek[at++] = (bits >> count) & 0xff;
    }
  }
  return kek;
}
