import type { ChalkInstance } from 'chalk';
import type { KeysetConfiguration } from '../../config/configuration.js';
import type { Upcoming } from '../../keyset/action.js';
import type { Instant } from '../../keyset/clock.js';
import { isBackingOff, signersDueAt, verifiesUntil } from '../../keyset/due.js';
import { approximateDuration } from '../../keyset/duration.js';
import type { Key, Manifest } from '../../keyset/model.js';
import { activeKey } from '../../keyset/projection.js';
import { upcoming } from '../../keyset/upcoming.js';
import type { Opened } from '../open.js';
import { renderTable } from './table.js';

/** One keyset as it is stored now; null: it does not exist yet. */
export interface KeysetStatus {
  readonly keyset: KeysetConfiguration;
  readonly manifest: Manifest | null;
}

function rfc3339(time: Instant | null): string | null {
  return time === null || !Number.isFinite(time) ? null : new Date(time).toISOString();
}

/** `status --json` (DESIGN.md, section 8). */
export function statusDocument(all: readonly KeysetStatus[], now: Instant) {
  return {
    schema: 1,
    keysets: all.map(({ keyset, manifest }) => ({
      name: keyset.name,
      revision: manifest?.revision ?? null,
      rollout: rolloutOf(manifest?.rollout ?? null),
      keys: (manifest?.keys ?? []).map(keyDocument),
      next: nextDocument(nextOf({ keyset, manifest }, now)),
    })),
  };
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

const PAINT: Readonly<Record<string, keyof ChalkInstance & ('green' | 'cyan' | 'yellow' | 'red' | 'dim')>> = {
  active: 'green',
  pending: 'cyan',
  creating: 'cyan',
  deprecated: 'dim',
  retired: 'red',
};

/** What a tired person reads in three seconds. Tombstones are counted, not shown. */
export function statusTable(all: readonly KeysetStatus[], now: Instant, opened: Opened, color: ChalkInstance): string {
  const rows: string[][] = [];
  const notes: string[] = [];
  for (const one of all) {
    const { keyset, manifest } = one;
    const keys = [...(manifest?.keys ?? [])]
      .filter((key) => key.state !== 'destroyed')
      .sort((a, b) => b.version - a.version);
    keys.forEach((key, i) => {
      const paint = color[PAINT[key.state] ?? 'dim'];
      rows.push([
        i === 0 ? color.bold(keyset.name) : '',
        `v${key.version}`,
        paint(key.state),
        approximateDuration(now - since(key)),
        key.kid,
        key.alg,
        fate(key, one, now),
      ]);
    });
    if (keys.length === 0)
      rows.push([color.bold(keyset.name), '-', color.yellow('none'), '-', '-', keyset.policy.alg, '']);
    notes.push(...notesOf(one, now, color));
  }
  const table = renderTable(['KEYSET', 'KEY', 'STATE', 'FOR', 'KID', 'ALG', 'NEXT'], rows, color);
  const where = color.dim(`store: ${opened.store.description}`);
  return [table, ...notes, where].join('\n');
}

/** From when a key is in its state. */
function since(key: Key): Instant {
  const time = {
    creating: key.createdAt,
    pending: key.createdAt,
    active: key.activatedAt,
    deprecated: key.deprecatedAt,
    retired: key.retiredAt,
    destroyed: key.destroyedAt,
  };
  return time[key.state] ?? key.createdAt;
}

function inTime(at: Instant, now: Instant): string {
  return at <= now
    ? 'due now'
    : `in ${approximateDuration(at - now)} (${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC)`;
}

function fate(key: Key, one: KeysetStatus, now: Instant): string {
  const next = nextOf(one, now);
  if (key.state === 'active' || key.state === 'pending' || key.state === 'creating') {
    const mine = next !== null && (next.kid === key.kid || (key.state === 'active' && next.kid === null));
    if (!mine) return '';
    if (next.at !== null) return `${next.action === 'stage' ? 'successor' : next.action} ${inTime(next.at, now)}`;
    return next.reason;
  }
  if (key.state === 'deprecated') return `${key.reason === 'failed' ? 'failed; ' : ''}${deprecatedFate(key, one, now)}`;
  if (key.droppedAt === null) return `${key.reason}; verifiers may still accept it`;
  return key.goneAt === null ? `${key.reason}` : `${key.reason}; destroyed ${inTime(key.goneAt, now)}`;
}

function deprecatedFate(key: Key, { keyset, manifest }: KeysetStatus, now: Instant): string {
  const until = verifiesUntil(key, keyset.policy);
  if (Number.isFinite(until)) return `retire ${inTime(until, now)}`;
  const active = manifest === null || manifest.rollout?.phase === 'switch' ? null : activeKey(manifest);
  const again = manifest === null || active === null ? Number.POSITIVE_INFINITY : signersDueAt(manifest, active);
  if (!Number.isFinite(again)) return 'verifies; signers are awaited';
  return `verifies; signers are looked at again ${again <= now ? 'with the next run' : inTime(again, now)}`;
}

function notesOf({ keyset, manifest }: KeysetStatus, now: Instant, color: ChalkInstance): string[] {
  const { name, policy } = keyset;
  if (manifest === null)
    return [color.yellow(`${name}: does not exist yet: jwtrot rotate makes it, jwtrot import adopts a key in use`)];
  const notes: string[] = [];
  const active = activeKey(manifest);
  if (active === null && manifest.rollout === null) notes.push(color.red(`${name}: no key is active: jwtrot rotate`));
  const { backoff, lease, rollout } = manifest;
  if (rollout !== null) {
    const way = rollout.direction === 'back' ? 'going back from' : 'rolling out';
    notes.push(
      color.cyan(
        `${name}: ${way} ${rollout.kid}, phase ${rollout.phase}, for ${approximateDuration(now - rollout.startedAt)}`,
      ),
    );
  }
  // One that is past, with no rollout to try again, is history.
  if (backoff !== null && (rollout !== null || isBackingOff(manifest, now))) {
    const next =
      backoff.until > now
        ? `next attempt ${inTime(backoff.until, now)}, or now with rotate --force`
        : 'next attempt with the next run';
    notes.push(
      color.yellow(
        `${name}: ${backoff.failures} failed attempt${backoff.failures === 1 ? '' : 's'} (${backoff.because}); ${next}`,
      ),
    );
  }
  for (const one of manifest.retirements)
    notes.push(
      color.red(
        `${name}: ${one.kid} is being retired (${one.reason})${one.checkAgainAt === null ? ': jwtrot retire or rotate goes on' : `: verifiers are looked at again ${inTime(one.checkAgainAt, now)}`}`,
      ),
    );
  if (lease !== null)
    notes.push(
      color.dim(
        `${name}: ${lease.verb} (pid ${lease.owner.pid}) holds the lease, ${lease.until > now ? `at most ${approximateDuration(lease.until - now)} more` : 'which has run out'}`,
      ),
    );
  if (active !== null && active.alg !== policy.alg)
    notes.push(
      color.yellow(
        `${name}: the configuration names ${policy.alg}, keys are ${active.alg}: jwtrot rotate --change-alg`,
      ),
    );
  return notes;
}
