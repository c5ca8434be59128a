/*
 * Arithmetic for checking a private key, on arrays that can be overwritten. A BigInt, and the text it is made from, can't
 * be.
 */

/** Words of 16 bits, the least significant first. Trailing zeros are allowed. */
export type Natural = Uint16Array;

/** @param bytes big-endian */
export function natural(bytes: Uint8Array): Natural {
  const words = new Uint16Array((bytes.length + 1) >> 1);
  for (let i = 0; i < bytes.length; i++) words[i >> 1] = word(words, i >> 1) | (byte(bytes, i) << (8 * (i & 1)));
  return words;
}

function byte(bytes: Uint8Array, fromEnd: number): number {
  return bytes[bytes.length - 1 - fromEnd] ?? 0;
}

function word(words: Natural, at: number): number {
  return words[at] ?? 0;
}

/** @returns negative, zero or positive as `a` is less than, equal to or greater than `b` */
export function compare(a: Natural, b: Natural): number {
  for (let i = Math.max(a.length, b.length) - 1; i >= 0; i--) {
    const difference = word(a, i) - word(b, i);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function product(a: Natural, b: Natural): Natural {
  const result = new Uint16Array(a.length + b.length);
  for (let i = 0; i < a.length; i++) {
    let carry = 0;
    for (let j = 0; j < b.length; j++) {
      // At most 2^32 - 1.
      const sum = word(result, i + j) + word(a, i) * word(b, j) + carry;
      result[i + j] = sum & 0xffff;
      carry = sum >>> 16;
    }
    result[i + b.length] = carry;
  }
  return result;
}

/** Goes bit by bit; that is fast enough for some five calls per key. @param modulus not zero */
export function remainder(a: Natural, modulus: Natural): Natural {
  const rest = new Uint16Array(modulus.length + 1);
  for (let bit = 16 * a.length - 1; bit >= 0; bit--) {
    let carry = (word(a, bit >> 4) >> (bit & 15)) & 1;
    for (let i = 0; i < rest.length; i++) {
      const doubled = 2 * word(rest, i) + carry;
      rest[i] = doubled & 0xffff;
      carry = doubled >>> 16;
    }
    if (compare(rest, modulus) >= 0) subtract(rest, modulus);
  }
  return rest;
}

/** Subtracts `b` from `a` in place. @param b at most `a` */
export function subtract(a: Natural, b: Natural): void {
  let borrow = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = word(a, i) - word(b, i) - borrow;
    a[i] = difference & 0xffff;
    borrow = difference < 0 ? 1 : 0;
  }
}
