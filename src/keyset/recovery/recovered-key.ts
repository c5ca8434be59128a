import type { Instant } from '../basics/clock.js';
import { JwtrotError } from '../basics/error.js';
import type { Policy } from '../basics/policy.js';
import type { CreatingKey, Key, PublicJwk, Tombstone } from '../manifest/key.js';
import { longest, type Now, type TokenLife } from '../transitions/change.js';
import { unused } from '../transitions/staging.js';
import type { Fate, Recovery } from './recovery.js';

/** True if the store has its secret, readable or not. It will be deleted like any other. */
function isThere(secret: Fate['known']['secret']): boolean {
  return secret === 'stored' || secret === 'unusable';
}

/** A tombstone for a key whose public half nobody has. */
function buried(at: Instant) {
  const end = { retiredAt: at, destroyedAt: at, reason: 'compromised' } as const;
  return { state: 'destroyed', publicJwk: null, hasPrivate: false, ...end } as const;
}

/** Enters a key that the manifest does not know. If its kid is taken, its thumbprint becomes its kid. */
export function entered(
  { known }: Fate,
  version: number,
  keys: readonly Key[],
  { at, policy }: Now<Pick<Policy, 'alg'>>,
): CreatingKey | Tombstone {
  const isTaken = keys.some((key) => key.kid === known.kid || key.thumbprint === known.kid);
  const { thumbprint, publicJwk, secret } = known;
  const kid = isTaken ? thumbprint : known.kid;
  const alg = known.alg ?? policy.alg;
  const key = unused({ kid, thumbprint, alg, publicJwk, hasPrivate: isThere(secret) }, version, at);
  return publicJwk === null ? { ...key, ...buried(at) } : { ...key, publicJwk };
}

export function become(key: Key, fate: Fate, roles: Recovery['roles'], now: Now<TokenLife>): Key {
  const { at } = now;
  switch (fate.becomes) {
    case 'same':
    case 'left':
      return key;
    case 'tombstone':
      return { ...key, ...buried(at) };
    case 'retired':
      return {
        ...key,
        state: 'retired',
        publicJwk: publicHalf(key, fate),
        retiredAt: key.retiredAt ?? at,
        reason: key.retiredAt === null ? (fate.known.retiredBy.length > 0 ? 'compromised' : 'failed') : key.reason,
        destroyedAt: null,
        // A secret being stored at the time of the backup may have been stored since.
        hasPrivate: fate.known.secret !== 'none' || fate.known.key?.state === 'creating',
        droppedAt: null,
        goneAt: null,
      };
    default:
      return kept(key, { ...fate, becomes: fate.becomes }, roles, now);
  }
}

type Kept = Fate & { readonly becomes: 'active' | 'pending' | 'deprecated' };

function kept(key: Key, fate: Kept, roles: Recovery['roles'], { at, policy }: Now<TokenLife>): Key {
  const gone = { retiredAt: null, droppedAt: null, goneAt: null, destroyedAt: null };
  const living = { ...key, ...gone, publicJwk: publicHalf(key, fate) };
  const unsigned = { activatedAt: null, deprecatedAt: null, signedUntil: null, reason: null };
  if (fate.becomes === 'pending')
    return { ...living, ...unsigned, state: 'pending', publishedAt: null, confirmedAt: null };
  // It may have signed since the backup. Its clock starts when signers are seen off it.
  const used = { ...living, signedFrom: key.signedFrom ?? at, signedUntil: null, publishedAt: key.publishedAt ?? at };
  if (fate.becomes === 'deprecated') {
    const deprecatedAt = key.deprecatedAt ?? at;
    const hasPrivate = isThere(fate.known.secret);
    return { ...used, ...longest(key, policy), state: 'deprecated', deprecatedAt, hasPrivate };
  }
  if (roles?.activeIsInFile) return { ...used, state: 'creating', publishedAt: null, hasPrivate: true };
  return {
    ...used,
    ...longest(key, policy),
    state: 'active',
    hasPrivate: true,
    activatedAt: key.state === 'active' ? key.activatedAt : at,
    deprecatedAt: null,
    reason: null,
  };
}

/**
 * The public half. A tombstone's comes from its private half.
 * @throws JwtrotError `would-break`: a bug; nothing may be committed
 */
function publicHalf({ kid, publicJwk }: Key, { known, becomes }: Fate): PublicJwk {
  const half = publicJwk ?? known.publicJwk;
  if (half !== null) return half;
  const message = `key ${kid} would become ${becomes}, and its public half is not known; nothing was committed`;
  const hint = 'this is a fault in jwtrot: please report it with the output of jwtrot store recover --dry-run --json';
  throw new JwtrotError('refused', 'would-break', message, { hint });
}
