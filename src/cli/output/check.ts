import { HOUR, type Instant } from '../../keyset/clock.js';
import { isBackingOff, signsSince, stageDueAt } from '../../keyset/due.js';
import { approximateDuration } from '../../keyset/duration.js';
import { activeKey, publishedKeys } from '../../keyset/projection.js';
import type { Output } from './output.js';
import type { KeysetStatus } from './status.js';

type Level = 0 | 1 | 2;
const WORDS = ['OK', 'WARNING', 'CRITICAL'] as const;
/** A timer that runs hourly has had its chance by then. */
const OVERDUE = 25 * HOUR;

/** Monitoring Plugins Development Guidelines: one line, perfdata behind the bar, 0/1/2. */
export function printCheck(all: readonly KeysetStatus[], now: Instant, output: Output): number {
  const judged = all.map((one) => ({ one, ...judge(one, now) }));
  const worst = Math.max(0, ...judged.map(({ level }) => level)) as Level;
  const text = judged.map(({ one, text }) => `${one.keyset.name}: ${text}`).join('; ');
  const perfdata = judged.map(({ one }) => perfdataOf(one, now)).join(' ');
  output.result(`JWTROT ${WORDS[worst]} - ${text} | ${perfdata}`);
  return worst;
}

function judge({ keyset, manifest }: KeysetStatus, now: Instant): { level: Level; text: string } {
  if (manifest === null) return { level: 2, text: 'the keyset does not exist' };
  const active = activeKey(manifest);
  if (active === null) return { level: 2, text: 'no key is active' };
  const open = manifest.retirements.find((one) =>
    manifest.keys.some((key) => key.kid === one.kid && key.droppedAt === null),
  );
  if (open !== undefined) return { level: 2, text: `${open.kid} is being retired and may still be accepted` };
  const age = now - signsSince(active);
  const aged = `active v${active.version} is ${approximateDuration(age)} old`;
  if (age > keyset.policy.rotateEvery + keyset.policy.publishAhead + OVERDUE)
    return { level: 2, text: `${aged}, rotateEvery is long over` };
  if (isBackingOff(manifest, now))
    return { level: 1, text: `backing off after ${manifest.backoff?.failures} failed attempts` };
  if (manifest.rollout === null && now > stageDueAt(active, keyset.policy) + OVERDUE)
    return { level: 1, text: `${aged}, a rotation is overdue: does the timer run?` };
  if (manifest.rollout !== null && manifest.rollout.phase !== 'ahead' && now > manifest.rollout.startedAt + OVERDUE) {
    return { level: 1, text: `the rollout of ${manifest.rollout.kid} stands at phase ${manifest.rollout.phase}` };
  }
  return { level: 0, text: aged };
}

function perfdataOf({ keyset, manifest }: KeysetStatus, now: Instant): string {
  const active = manifest === null ? null : activeKey(manifest);
  const seconds = active === null ? 'U' : `${Math.floor((now - signsSince(active)) / 1000)}s`;
  const warn = Math.floor((keyset.policy.rotateEvery + OVERDUE) / 1000);
  const crit = Math.floor((keyset.policy.rotateEvery + keyset.policy.publishAhead + OVERDUE) / 1000);
  const keys = manifest === null ? 'U' : publishedKeys(manifest).length;
  return `'${keyset.name}_age'=${seconds};${warn};${crit};0 '${keyset.name}_keys'=${keys};;${keyset.policy.maxKeys};0`;
}
