import { HOUR, type Instant } from '../../keyset/basics/clock.js';
import { approximateDuration } from '../../keyset/basics/duration.js';
import type { Policy } from '../../keyset/basics/policy.js';
import type { Key } from '../../keyset/manifest/key.js';
import type { Manifest } from '../../keyset/manifest/model.js';
import { isHeldByHand } from '../../keyset/planning/rollback.js';
import { isBackingOff } from '../../keyset/questions/backoff.js';
import { signsSince, stageDueAt } from '../../keyset/questions/due.js';
import { changeText } from '../../keyset/questions/key-kind.js';
import { activeKey, publishedKeys } from '../../keyset/questions/keys.js';
import { openRetirements } from '../../keyset/questions/open-incidents.js';
import { withoutState } from '../../rollout/other-history.js';
import { failedProbes, type InstanceReport } from './instance-report.js';
import type { KeysetStatus } from './keyset-status.js';
import type { Output } from './output.js';
import { instanceName } from './progress.js';
import { statusDocument } from './status-document.js';
import { failuresText, runText } from './words.js';

type PluginState = 0 | 1 | 2;
const WORDS = ['OK', 'WARNING', 'CRITICAL'] as const;
/** By then an hourly timer has had its chance. */
const OVERDUE = 25 * HOUR;

/** This late, a second check of the verifiers was tried in vain. */
const LATE = 2 * HOUR;

interface Judgement {
  readonly level: PluginState;
  readonly text: string;
}

/**
 * Monitoring Plugins Development Guidelines: one line, perfdata after the bar, exit 0, 1 or 2. With `--json` it prints
 * the document of `status` instead of that line.
 * @param reports the answers to `--probe`; null: it did not ask
 * @returns the exit code
 */
export function printCheck(
  all: readonly KeysetStatus[],
  now: Instant,
  output: Output,
  reports: readonly InstanceReport[] | null = null,
): number {
  const failed = failedProbes(reports ?? []);
  const judged = all.map((one) => {
    const mine = failed.filter(({ keyset }) => keyset === one.keyset.name);
    return { one, ...withProbes(judge(one, now), mine) };
  });
  const worst = Math.max(0, ...judged.map(({ level }) => level)) as PluginState;
  if (output.json) {
    output.document(statusDocument(all, now, reports));
    return worst;
  }
  const text = judged.map(({ one, text }) => `${one.keyset.name}: ${text}`).join('; ');
  const perfdata = judged.map(({ one }) => perfdataOf(one, now)).join(' ');
  output.result(`JWTROT ${WORDS[worst]} - ${text} | ${perfdata}`);
  return worst;
}

/**
 * An instance that does not answer can't confirm the next rotation. That is a warning: tokens are accepted as before.
 */
function withProbes(judged: Judgement, failed: readonly InstanceReport[]) {
  const [first] = failed;
  if (first === undefined) return judged;
  const more = failed.length > 1 ? ` and ${failed.length - 1} more` : '';
  const text = `${judged.text}; ${instanceName(first.service, first.instance)}: ${first.error}${more}`;
  return { level: Math.max(1, judged.level) as PluginState, text };
}

function judge({ keyset, manifest, other, failure }: KeysetStatus, now: Instant): Judgement {
  if (failure !== undefined) return { level: 2, text: withoutState(failure.message) };
  if (other != null) return { level: other.isDoubtful ? 1 : 2, text: other.text };
  if (manifest === null) return { level: 2, text: 'the keyset does not exist' };
  const active = activeKey(manifest);
  if (active === null) return { level: 2, text: 'no key is active' };
  const leaving = judgeRetired(manifest, keyset.policy, now);
  if (leaving?.level === 2) return leaving;
  const age = now - signsSince(active);
  const aged = `active v${active.version} is ${approximateDuration(age)} old`;
  if (age > keyset.policy.rotateEvery + keyset.policy.publishAhead + OVERDUE)
    return { level: 2, text: `${aged}, rotateEvery is long over` };
  if (isBackingOff(manifest, now))
    return {
      level: 1,
      text: isHeldByHand(manifest)
        ? `${aged}, rolled back by hand: no new key is made yet`
        : `backing off after ${failuresText(manifest.backoff?.failures ?? 0)}`,
    };
  if (manifest.rollout === null && now > stageDueAt(active, keyset.policy) + OVERDUE)
    return { level: 1, text: `${aged}, a rotation is overdue: does the timer run?` };
  if (manifest.rollout !== null && manifest.rollout.phase !== 'ahead' && now > manifest.rollout.startedAt + OVERDUE) {
    return { level: 1, text: `the rollout of ${manifest.rollout.kid} stands at phase ${manifest.rollout.phase}` };
  }
  const change = changeText(manifest, keyset.policy);
  if (leaving !== null) return leaving;
  return change === null ? { level: 0, text: aged } : { level: 1, text: `${aged}; ${change}` };
}

/** Null: no retired key can still be published or accepted. */
function judgeRetired(manifest: Manifest, policy: Policy, now: Instant): Judgement | null {
  const [open] = openRetirements(manifest);
  if (open !== undefined) return { level: 2, text: `${open.kid} is being retired and may still be accepted` };
  const [first] = manifest.retirements;
  if (first?.checkAgainAt != null) {
    const isLate = now > first.checkAgainAt + LATE;
    const text = `${first.kid} was retired; verifiers are looked at once more ${runText(first.checkAgainAt, now)}`;
    return { level: isLate ? 2 : 1, text: isLate ? `${text}: jwtrot rotate` : text };
  }
  const cached = manifest.keys.find((key) => cachedUntil(key, policy) > now);
  if (cached === undefined) return null;
  const left = approximateDuration(cachedUntil(cached, policy) - now);
  return { level: 1, text: `${cached.kid} was retired; a cache may hold it for ${left} more (jwksMaxAge)` };
}

/** Until when a verifier that can't be asked may accept a leaked key. */
function cachedUntil(key: Key, { jwksMaxAge, clockSkew }: Policy): Instant {
  const { reason, retiredAt, signedFrom } = key;
  const leaked = reason === 'compromised' && signedFrom !== null && retiredAt !== null;
  return leaked ? retiredAt + jwksMaxAge + clockSkew : Number.NEGATIVE_INFINITY;
}

function perfdataOf({ keyset, manifest }: KeysetStatus, now: Instant): string {
  const active = manifest === null ? null : activeKey(manifest);
  const seconds = active === null ? 'U' : `${Math.floor((now - signsSince(active)) / 1000)}s`;
  const warn = Math.floor((keyset.policy.rotateEvery + OVERDUE) / 1000);
  const crit = Math.floor((keyset.policy.rotateEvery + keyset.policy.publishAhead + OVERDUE) / 1000);
  const keys = manifest === null ? 'U' : publishedKeys(manifest).length;
  return `'${keyset.name}_age'=${seconds};${warn};${crit};0 '${keyset.name}_keys'=${keys};;${keyset.policy.maxKeys};0`;
}
