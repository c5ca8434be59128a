import type { Key, Manifest } from './model.js';

/** A manifest stays under this, in bytes of UTF-8 (Secrets Manager takes 65,536). */
export const LONGEST_MANIFEST = 48 * 1024;
/** How much of its history a manifest keeps. */
export const KEPT = { commits: 64, events: 50, tombstones: 100 } as const;
/** Kept until nothing else can go: a clock that is behind is known by the newest event. */
const FEWEST_EVENTS = 10;

/** Keeps the newest of what only grows. */
export function prune(value: Manifest): Manifest {
  return {
    ...withoutOldTombstones(value, tombstonesOf(value).length - KEPT.tombstones),
    commits: value.commits.slice(-KEPT.commits),
    events: value.events.slice(-KEPT.events),
  };
}

/** Less of the history, for a manifest that is still too long; null when there is nothing left to do without. */
export function thin(value: Manifest): Manifest | null {
  const tombstones = tombstonesOf(value);
  if (tombstones.some((one) => !isBare(one))) return { ...value, keys: value.keys.map(bare) };
  if (value.events.length > FEWEST_EVENTS) return { ...value, events: value.events.slice(-FEWEST_EVENTS) };
  if (tombstones.length > 0) return withoutOldTombstones(value, Math.ceil(tombstones.length / 4));
  return value.events.length > 1 ? { ...value, events: value.events.slice(-1) } : null;
}

/** What nothing refers to any more; oldest first. */
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

/** What keeps a kid from being used again, and says what became of it. */
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
