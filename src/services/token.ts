import { type Duration, type Instant, SECOND } from '../keyset/basics/clock.js';
import { decodeJson } from '../keyset/basics/foreign-json.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { PublishedJwk } from '../keyset/published/jwk-set.js';
import type { TokenHealth } from './health-kinds.js';
import { valueAt } from './pointer.js';
import type { Report } from './service.js';

/** Characters. A longer kid is none of a keyset's, and no reason should carry it. */
const LONGEST_KID = 1024;

/** What a token is checked against. */
export interface TokenCheck {
  /** The keys that verifiers may know. */
  readonly published: readonly PublishedJwk[];
  /** When the token was asked for. */
  readonly asked: Instant;
  readonly clockSkew: Duration;
}

/**
 * Reads the kid out of a token that the service has just minted, and verifies the token. No reason quotes anything of the
 * answer but the kid: whoever reads a log could use the token.
 * @param check null: nobody knows the keys, and the kid is taken as it stands
 */
export async function readToken(
  { token: pointer }: TokenHealth,
  body: Uint8Array,
  check: TokenCheck | null,
): Promise<Report> {
  const answer = decodeJson(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  if (!answer.ok) return { ok: false, reason: 'the answer is not JSON' };
  const token = valueAt(answer.value, pointer);
  if (typeof token !== 'string') return { ok: false, reason: `there is no token at ${quoteOutside(pointer)}` };
  const kid = kidIn(token);
  if (kid === null) return { ok: false, reason: `what is at ${quoteOutside(pointer)} is not a JWT with a kid` };
  const jwk = check?.published.find((key) => key.kid === kid);
  // Nobody accepts a token of a key that is not published: its kid tells what is wrong.
  const fault = check == null || jwk === undefined ? null : await faultOf(token, jwk, check);
  if (fault !== null) return { ok: false, reason: `its token of ${quoteOutside(kid)} ${fault}` };
  return { ok: true, kid, kids: null, worker: null };
}

/** RFC 7515 section 7.1: three parts, and a protected header with a kid. */
function kidIn(token: string): string | null {
  const [header = '', ...rest] = token.split('.');
  if (rest.length !== 2) return null;
  const decoded = decodeJson(Buffer.from(header, 'base64url').toString('utf8'));
  const kid = decoded.ok ? valueAt(decoded.value, '/kid') : undefined;
  return typeof kid === 'string' && kid !== '' && kid.length <= LONGEST_KID ? kid : null;
}

/**
 * Why a token does not show that the service signs with this key now: its signature under the one algorithm that is
 * published for the key (RFC 8725 section 3.1), and its age. One that a cache had kept shows what signed it long ago.
 * @returns null if it does show it
 */
async function faultOf(token: string, jwk: PublishedJwk, { asked, clockSkew }: TokenCheck): Promise<string | null> {
  const [{ jwtVerify }, { importJWK }, { JWTExpired, JWTClaimValidationFailed }] = await Promise.all([
    import('jose/jwt/verify'),
    import('jose/key/import'),
    import('jose/errors'),
  ]);
  try {
    const { payload } = await jwtVerify(token, await importJWK({ ...jwk }, jwk.alg), {
      algorithms: [jwk.alg],
      requiredClaims: ['iat', 'exp'],
      clockTolerance: clockSkew / SECOND,
      currentDate: new Date(asked),
    });
    // It counts in whole seconds.
    const made = ((payload.iat ?? 0) + 1) * SECOND;
    return made + clockSkew < asked ? 'was made before it was asked for: it comes from a cache' : null;
  } catch (error) {
    if (error instanceof JWTExpired) return 'has expired';
    if (error instanceof JWTClaimValidationFailed)
      return error.reason === 'missing' ? `has no ${error.claim}` : `is refused for its ${error.claim}`;
    return 'does not verify against that published key';
  }
}
