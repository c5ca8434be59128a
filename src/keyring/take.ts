import { equalPublicJwks } from '../keys/public-key.js';
import { type Duration, SECOND } from '../keyset/basics/clock.js';
import { notNow } from './failures.js';
import type { KeysByKid } from './key-set.js';
import { before, type KeysInMemory, type Moment, momentOf, type SigningKey } from './keys-in-memory.js';
import type { Reading } from './source.js';
import type { Surroundings } from './surroundings.js';

/** `Age` counts whole seconds, and the answer was under way for a while. */
const AGE_SLACK: Duration = 2 * SECOND;

/**
 * A cache may hold an older set than the one that is here: that would bring a retired key back.
 * @param age of the answer that came just now
 * @param oldest an answer of this age is not taken
 * @throws KeyringError `old-answer`
 */
export function assertNews(
  { publicAsOf }: KeysInMemory,
  age: Duration,
  oldest: Duration,
  clocks: Pick<Surroundings, 'now' | 'monotonic'>,
): void {
  const asOf = before(momentOf(clocks), age);
  if (age >= oldest) throw notNow('old-answer', 'the answer is older than staleAfter: a cache held it too long');
  if (age > 0 && publicAsOf !== null && asOf.monotonic < publicAsOf.monotonic - AGE_SLACK)
    throw notNow('old-answer', 'the answer is older than the set that is held: it is from a cache');
}

/**
 * What is held after a read. The former signing key goes on where the new one could not be read, but only while it is
 * published: an incident takes it out of the set.
 */
export function taken(held: KeysInMemory, reading: Reading, began: Moment, now: number): KeysInMemory {
  const { verifying, revision } = reading;
  const isUnread = reading.signing === 'unread';
  const wanted = reading.signing === 'unread' ? held.signing : reading.signing;
  const signing = wanted !== null && isPublished(wanted, verifying) ? wanted : null;
  const preloaded = new Map(reading.preloaded);
  if (signing !== null) preloaded.set(signing.kid, signing);
  return {
    verifying,
    signing,
    preloaded,
    revision,
    maxTokenTtl: reading.maxTokenTtl ?? (isUnread ? held.maxTokenTtl : null),
    publicAsOf: before(began, reading.age),
    privateAsOf: isUnread ? held.privateAsOf : began,
    loadedAt: now,
  };
}

/** A kid may be another key's by now. */
function isPublished({ kid, publicJwk }: SigningKey, verifying: KeysByKid): boolean {
  const published = verifying.get(kid);
  return published !== undefined && equalPublicJwks(published.publicJwk, publicJwk);
}
