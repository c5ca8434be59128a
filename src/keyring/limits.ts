import type { Duration } from '../keyset/basics/clock.js';
import { formatDuration } from '../keyset/basics/duration.js';
import { misuse } from './failures.js';
import { DEFAULTS, type Settings, SHORTEST_TRUST } from './settings.js';
import type { Terms } from './source.js';

/** How long what was read may be used, by the options and by what the source knows of the policy. Milliseconds. */
export interface Limits {
  readonly staleAfter: Duration;
  /** An older answer than this is not taken. A signer's key is good whatever the age of the set. */
  readonly oldestAnswer: Duration;
  /** Whether reads are planned so that the set stays fresh. False where a signer's `jwksMaxAge` is too short for that. */
  readonly keepsSetFresh: boolean;
  readonly signStaleAfter: Duration;
  readonly refresh: Duration;
  readonly clockTolerance: Duration;
  /** Of the options and the configuration; null: neither says. */
  readonly maxTokenTtl: Duration | null;
}

/**
 * A verifier that can't be reached may trust a retired key for `jwksMaxAge`: `retire` promises no more, so no option may
 * make that longer. The same holds for `signerMaxAge` where jwtrot counts on it.
 * @throws KeyringError `bad-options`
 */
export function limitsOf(settings: Settings, terms: Terms): Limits {
  const isSigner = settings.role === 'signer';
  const staleAfter = isSigner ? showingOf(settings, terms) : trustOf(settings, terms);
  const signStaleAfter = settings.role === 'verifier' ? DEFAULTS.signStaleAfter : signingOf(settings, terms);
  const shortest = Math.min(isSigner ? DEFAULTS.staleAfter : staleAfter - terms.lag, signStaleAfter);
  const refresh = settings.refresh ?? Math.min(DEFAULTS.refresh, Math.floor(shortest / 2));
  if (refresh >= shortest)
    throw misuse(
      'bad-options',
      `openKeyring: refresh ${formatDuration(refresh)} is not shorter than ${formatDuration(shortest)}, after which what was read is no longer trusted`,
    );
  return {
    staleAfter,
    oldestAnswer: isSigner ? Number.POSITIVE_INFINITY : staleAfter,
    keepsSetFresh: !isSigner || staleAfter >= SHORTEST_TRUST + terms.lag,
    signStaleAfter,
    refresh,
    clockTolerance: settings.clockTolerance ?? terms.clockSkew ?? DEFAULTS.clockTolerance,
    maxTokenTtl: shorter(settings.maxTokenTtl, terms.maxTokenTtl),
  };
}

function trustOf({ staleAfter }: Settings, { jwksMaxAge, lag }: Terms): Duration {
  const least = SHORTEST_TRUST + lag;
  if (staleAfter !== null && staleAfter < least)
    throw misuse('bad-options', `openKeyring: staleAfter must be at least ${formatDuration(least)} with this store`);
  if (jwksMaxAge === null) return staleAfter ?? DEFAULTS.staleAfter;
  if (jwksMaxAge < least)
    throw misuse(
      'bad-options',
      `openKeyring: the keyset's jwksMaxAge is ${formatDuration(jwksMaxAge)}, and a keyring holds what it read from the store for a while; set jwksMaxAge to at least ${formatDuration(least)}`,
    );
  return atMost('staleAfter', staleAfter, 'jwksMaxAge', jwksMaxAge);
}

/** Of a signer, which shows the set by `jwks()` alone: a `jwksMaxAge` that is too short for that keeps it from nothing else. */
function showingOf({ staleAfter }: Settings, { jwksMaxAge }: Terms): Duration {
  if (jwksMaxAge === null) return staleAfter ?? DEFAULTS.staleAfter;
  return atMost('staleAfter', staleAfter, 'jwksMaxAge', jwksMaxAge);
}

function signingOf({ signStaleAfter }: Settings, { signerMaxAge, areSignersPolled }: Terms): Duration {
  if (signerMaxAge === null || areSignersPolled) return signStaleAfter ?? signerMaxAge ?? DEFAULTS.signStaleAfter;
  return atMost('signStaleAfter', signStaleAfter, 'signerMaxAge', Math.max(signerMaxAge, SHORTEST_TRUST));
}

function atMost(name: string, given: Duration | null, bound: string, most: Duration): Duration {
  if (given === null || given <= most) return given ?? most;
  const shown = Number.isFinite(given) ? formatDuration(given) : 'off';
  throw misuse(
    'bad-options',
    `openKeyring: ${name} ${shown} is longer than the keyset's ${bound}, ${formatDuration(most)}; to have it longer, raise ${bound} in jwtrot's configuration`,
  );
}

export function shorter(one: Duration | null, other: Duration | null): Duration | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}
