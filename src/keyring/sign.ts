import { SignJWT } from 'jose/jwt/sign';
import { type Duration, SECOND } from '../keyset/basics/clock.js';
import { formatDuration, parseDuration } from '../keyset/basics/duration.js';
import { misuse } from './failures.js';
import type { SigningKey } from './keys-in-memory.js';
import type { Claims, SignOptions } from './public.js';

export interface Signing {
  readonly key: SigningKey;
  readonly maxTokenTtl: Duration;
  now(): number;
}

const OPTIONS: ReadonlySet<string> = new Set([
  'expiresIn',
  'issuer',
  'audience',
  'type',
] satisfies (keyof SignOptions)[]);

/** @throws KeyringError `bad-options`, `reserved-claim`, `ttl-too-long` */
export async function signToken(claims: Claims, options: SignOptions, signing: Signing): Promise<string> {
  const life = checkedLife(claims, options ?? {}, signing.maxTokenTtl);
  const { issuer, audience, type } = options;
  const { kid, alg, key } = signing.key;
  const iat = Math.floor(signing.now() / SECOND);
  const token = tokenOf(claims)
    .setProtectedHeader({ alg, kid, typ: type ?? 'JWT' })
    .setIssuedAt(iat)
    .setExpirationTime(iat + life);
  if (issuer !== undefined) token.setIssuer(issuer);
  if (audience !== undefined) token.setAudience(typeof audience === 'string' ? audience : [...audience]);
  return token.sign(key).catch((cause: unknown) => {
    // JSON.stringify throws it for a BigInt and for a circle.
    throw cause instanceof TypeError ? notJson(cause) : cause;
  });
}

function tokenOf(claims: Claims): SignJWT {
  try {
    return new SignJWT(claims);
  } catch (cause) {
    throw notJson(cause);
  }
}

function notJson(cause: unknown) {
  return misuse('bad-options', 'sign: the claims are not JSON', cause);
}

/** @returns the token's life in seconds */
function checkedLife(claims: Claims, options: SignOptions, maxTokenTtl: Duration): number {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
    throw misuse('bad-options', 'sign: the claims must be an object');
  for (const name of Object.keys(options))
    if (!OPTIONS.has(name)) throw misuse('bad-options', `sign: ${JSON.stringify(name)} is no option`);
  const { issuer, audience, type } = options;
  const audiences = Array.isArray(audience) ? audience : [audience];
  if (!isText(issuer) || !isText(type) || audiences.length === 0 || !audiences.every(isText))
    throw misuse('bad-options', 'sign: issuer and type must be text, audience text or a list of text');
  refuseClaim(claims, 'iat');
  refuseClaim(claims, 'exp');
  if (issuer !== undefined) refuseClaim(claims, 'iss');
  if (audience !== undefined) refuseClaim(claims, 'aud');
  return lifeOf(options.expiresIn, maxTokenTtl);
}

function isText(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && value !== '');
}

function refuseClaim(claims: Claims, claim: string): void {
  if (Object.hasOwn(claims, claim))
    throw misuse('reserved-claim', `sign: ${claim} is set by the options, and must not be among the claims`);
}

function lifeOf(expiresIn: unknown, maxTokenTtl: Duration): number {
  const life = typeof expiresIn === 'string' ? parseDuration(expiresIn) : null;
  if (life === null || life < SECOND) throw misuse('bad-options', "sign: expiresIn must be a duration such as '15m'");
  if (life > maxTokenTtl)
    throw misuse(
      'ttl-too-long',
      `sign: expiresIn is longer than maxTokenTtl, ${formatDuration(maxTokenTtl)}: the key may be gone before the token expires`,
    );
  return Math.floor(life / SECOND);
}
