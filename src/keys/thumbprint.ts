import { createHash } from 'node:crypto';
import type { PublicJwk } from '../keyset/model.js';

/** The required members of each key type, in lexicographic order (RFC 7638 section 3.2, RFC 8037 section 2). */
const REQUIRED = { RSA: ['e', 'kty', 'n'], EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'] } as const;

/**
 * RFC 7638 SHA-256 thumbprint, base64url. Ten lines of our own: every start needs it, and jose's brings the whole of
 * WebCrypto with it.
 */
export async function thumbprintOf(jwk: PublicJwk): Promise<string> {
  const members: Record<string, string> = { ...jwk };
  const required = REQUIRED[jwk.kty].map((name) => [name, members[name]]);
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(required)))
    .digest('base64url');
}
