import type { Key } from './key.js';
import type { Manifest } from './model.js';

/** The largest manifest, in bytes of UTF-8. Secrets Manager takes 65,536. */
export const LONGEST_MANIFEST = 48 * 1024;
/** How much of its history a manifest keeps. */
export const KEPT = { commits: 64, events: 50, tombstones: 100 } as const;
/** `thin` drops these events last: the newest event shows whether a clock is behind. */
const FEWEST_EVENTS = 10;

/** Drops the oldest commits, events and tombstones beyond `KEPT`. */
export function prune(value: Manifest): Manifest {
  return {
    ...withoutOldTombstones(value, tombstonesOf(value).length - KEPT.tombstones),
    commits: value.commits.slice(-KEPT.commits),
    events: value.events.slice(-KEPT.events),
  };
}

/** Drops more of the history from a manifest that is still too long; null if nothing more can go. */
export function thin(value: Manifest): Manifest | null {
  const tombstones = tombstonesOf(value);
  if (tombstones.some((one) => !isBare(one))) return { ...value, keys: value.keys.map(bare) };
  if (value.events.length > FEWEST_EVENTS) return { ...value, events: value.events.slice(-FEWEST_EVENTS) };
  if (tombstones.length > 0) return withoutOldTombstones(value, Math.ceil(tombstones.length / 4));
  return value.events.length > 1 ? { ...value, events: value.events.slice(-1) } : null;
}

/** Tombstones that no rollout or retirement refers to, oldest first. */
function tombstonesOf({ keys, rollout, retirements }: Manifest): Key[] {
  const named = new Set([rollout?.kid, rollout?.former, ...retirements.map((one) => one.kid)]);
  return keys.filter((key) => key.state === 'destroyed' && !named.has(key.kid));
}

function withoutOldTombstones(value: Manifest, count: number): Manifest {
  if (count <= 0) return value;
  const forgotten = new Set(tombstonesOf(value).slice(0, count));
  return { ...value, keys: value.keys.filter((one) => !forgotten.has(one)) };
}

function isBare(key: Key): boolean {
  return key.retiredAt === null;
}

/** Leaves of a tombstone what blocks its kid and says what became of it. */
function bare(key: Key): Key {
  if (key.state !== 'destroyed') return key;
  return {
    ...key,
    publishedAt: null,
    confirmedAt: null,
    activatedAt: null,
    deprecatedAt: null,
    signedUntil: null,
    maxTokenTtl: 0,
    verifyFor: 0,
    retiredAt: null,
    droppedAt: null,
    goneAt: null,
    deleteAgainAt: null,
  };
}
