import { createHash } from 'node:crypto';
import type { PublicJwk } from '../keyset/manifest/key.js';
import { JWK_MEMBERS } from './jwk-members.js';

/**
 * RFC 7638 SHA-256 thumbprint, base64url. Not jose's, which would load all of WebCrypto at every start.
 */
export async function thumbprintOf(jwk: PublicJwk): Promise<string> {
  const members: Record<string, string> = { ...jwk };
  const required = JWK_MEMBERS[jwk.kty].required.map((name) => [name, members[name]]);
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(required)))
    .digest('base64url');
}
