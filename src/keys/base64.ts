import { secretBytes } from './secret-bytes.js';

/*
 * Base64 (RFC 4648) from bytes to bytes. Buffer's own codec goes through a JavaScript string, and a string that holds a
 * secret can't be overwritten. The caller overwrites every buffer.
 */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const BASE64 = Buffer.from(`${ALPHABET}+/`);
const BASE64URL = Buffer.from(`${ALPHABET}-_`);

/** RFC 4648 section 4, with padding. */
export function toBase64(bytes: Uint8Array): Buffer {
  const text = secretBytes(4 * Math.ceil(bytes.length / 3)).fill('=');
  encode(bytes, BASE64, text);
  return text;
}

/** RFC 4648 section 5, without padding. */
export function toBase64url(bytes: Uint8Array): Buffer {
  const text = secretBytes(Math.ceil((4 * bytes.length) / 3));
  encode(bytes, BASE64URL, text);
  return text;
}

function encode(bytes: Uint8Array, alphabet: Buffer, text: Buffer): void {
  const characters = Math.ceil((4 * bytes.length) / 3);
  for (let index = 0; index < characters; index++) {
    const at = (index * 6) >> 3;
    const pair = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    text[index] = alphabet[(pair >> (10 - ((index * 6) & 7))) & 63] ?? 0;
  }
}

/** Decodes either alphabet, without padding. @returns null when `text` is neither */
export function fromBase64(text: Uint8Array): Buffer | null {
  const bytes = secretBytes((text.length * 6) >> 3);
  let bits = 0;
  let count = 0;
  let length = 0;
  for (const character of text) {
    const value = Math.max(BASE64URL.indexOf(character), BASE64.indexOf(character));
    if (value < 0) {
      bytes.fill(0);
      return null;
    }
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes[length++] = (bits >> count) & 0xff;
  }
  return bytes;
}
