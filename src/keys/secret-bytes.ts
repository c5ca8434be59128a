/**
 * Allocates zeroed memory for a secret, outside of V8's heap. V8 keeps a typed array of up to 64 bytes in its heap. When
 * native code gets such an array, V8 moves the bytes out and leaves behind a copy that nobody can overwrite.
 */
export function secretBytes(length: number): Buffer<ArrayBuffer> {
  return Buffer.from(new ArrayBuffer(length));
}
