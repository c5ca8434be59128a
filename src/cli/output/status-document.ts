import type { Instant } from '../../keyset/basics/clock.js';
import type { Key } from '../../keyset/manifest/key.js';
import type { Upcoming } from '../../keyset/questions/upcoming.js';
import { upcoming } from '../../keyset/questions/upcoming.js';
import { errorDocument } from './describe-error.js';
import type { InstanceReport } from './instance-report.js';
import type { KeysetStatus } from './keyset-status.js';

function rfc3339(time: Instant | null): string | null {
  return time === null || !Number.isFinite(time) ? null : new Date(time).toISOString();
}

/**
 * `status --json` (docs/design.md, section 8). The first failure also stands beside the keysets, where every error is.
 * @param services the answers to `--probe`; null: it did not ask
 */
export function statusDocument(
  all: readonly KeysetStatus[],
  now: Instant,
  services: readonly InstanceReport[] | null = null,
) {
  const first = all.find(({ failure }) => failure !== undefined)?.failure;
  return {
    schema: 1,
    keysets: all.map(({ keyset, manifest, other, failure }) => ({
      name: keyset.name,
      lineage: manifest?.lineage ?? null,
      revision: manifest?.revision ?? null,
      otherHistory: other?.why ?? null,
      rollout: rolloutOf(manifest?.rollout ?? null),
      keys: (manifest?.keys ?? []).map(keyDocument),
      next: failure === undefined ? nextDocument(nextOf({ keyset, manifest }, now)) : null,
      ...errorOf(failure),
    })),
    ...errorOf(first),
    ...(services === null ? {} : { services }),
  };
}

function errorOf(failure: KeysetStatus['failure']): { error?: object } {
  return failure === undefined ? {} : { error: errorDocument(failure) };
}

function rolloutOf(rollout: NonNullable<KeysetStatus['manifest']>['rollout']) {
  return rollout === null ? null : { ...rollout, startedAt: rfc3339(rollout.startedAt) };
}

function keyDocument(key: Key) {
  return {
    kid: key.kid,
    version: key.version,
    alg: key.alg,
    state: key.state,
    createdAt: rfc3339(key.createdAt),
    publishedAt: rfc3339(key.publishedAt),
    activatedAt: rfc3339(key.activatedAt),
    deprecatedAt: rfc3339(key.deprecatedAt),
    signedUntil: rfc3339(key.signedUntil),
    retiredAt: rfc3339(key.retiredAt),
    destroyedAt: rfc3339(key.destroyedAt),
    reason: key.reason,
  };
}

function nextDocument(next: Upcoming | null) {
  return next === null ? null : { action: next.action, at: rfc3339(next.at), reason: next.reason };
}

function nextOf({ keyset, manifest }: KeysetStatus, now: Instant): Upcoming | null {
  if (manifest === null) return { action: 'rotate', at: null, kid: null, reason: 'the keyset does not exist yet' };
  return upcoming(manifest, keyset.policy, now);
}
