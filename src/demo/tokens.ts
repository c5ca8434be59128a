import { importJWK, SignJWT } from 'jose';
import type { JsonObject } from '../keyset/basics/foreign-json.js';
import { TOKEN_LIFE } from './site.js';

/*
 * What the tokens of the demonstration say.
 */

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'https://api.example';
export const TOKEN_TYPE = 'at+jwt';

/** The token of somebody who has stolen a delivered signing key. */
export async function forge(jwk: JsonObject): Promise<string> {
  const { kid, alg } = jwk as { kid: string; alg: string };
  return new SignJWT({ sub: 'attacker' })
    .setProtectedHeader({ alg, kid, typ: TOKEN_TYPE })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime(new Date(Date.now() + TOKEN_LIFE))
    .sign(await importJWK({ ...jwk }, alg));
}
