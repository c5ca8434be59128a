/** Bytes. A hundred keys take a third of it. */
export const LARGEST_JWKS = 256 * 1024;
