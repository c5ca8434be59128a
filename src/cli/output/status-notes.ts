import type { Instant } from '../../keyset/basics/clock.js';
import { approximateDuration } from '../../keyset/basics/duration.js';
import { shellWord } from '../../keyset/basics/outside-text.js';
import type { Policy } from '../../keyset/basics/policy.js';
import type { Lease, Manifest, Retirement, Rollout } from '../../keyset/manifest/model.js';
import { isHeldByHand } from '../../keyset/planning/rollback.js';
import { isBackingOff } from '../../keyset/questions/backoff.js';
import { activation } from '../../keyset/questions/due.js';
import { changeText } from '../../keyset/questions/key-kind.js';
import { activeKey } from '../../keyset/questions/keys.js';
import { openRetirements } from '../../keyset/questions/open-incidents.js';
import { activationReason } from '../../keyset/questions/upcoming.js';
import type { KeysetStatus } from './keyset-status.js';
import type { Palette } from './paint.js';
import { dueText, failuresText, keylessText, runText } from './words.js';

function rolloutText(rollout: Rollout, manifest: Manifest, policy: Policy, now: Instant): string {
  const way = rollout.direction === 'back' ? 'going back from' : 'rolling out';
  const since = approximateDuration(now - rollout.startedAt);
  return `${way} ${rollout.kid}, phase ${rollout.phase}, for ${since}${signsWhen(manifest, policy, now)}`;
}

/** `; signs in 2h (publishAhead 24h ends)`; empty if the key does not wait for a time. */
function signsWhen(manifest: Manifest, policy: Policy, now: Instant): string {
  const key = manifest.keys.find((one) => one.kid === manifest.rollout?.kid);
  if (key === undefined || manifest.rollout?.phase !== 'ahead') return '';
  const { at, term } = activation(manifest, key, policy);
  return Number.isFinite(at) ? `; signs ${dueText(at, now)}: ${activationReason(term, policy)}` : '';
}

export function notesOf(status: KeysetStatus, now: Instant, color: Palette): string[] {
  const { keyset, manifest } = status;
  const { name, policy } = keyset;
  const notes = historyNotes(status, color);
  if (manifest === null) {
    const note = color.yellow(`${name}: does not exist yet: jwtrot rotate makes it, jwtrot import adopts a key in use`);
    return notes.length > 0 ? notes : [note];
  }
  const active = activeKey(manifest);
  // Every other verb is refused until the history is one again: the note about that has the next command.
  const isRefused = notes.length > 0 && status.other?.isDoubtful !== true;
  // For the very first key the rollout's note says everything.
  const isFirst = manifest.keys.every(({ signedFrom }) => signedFrom === null);
  if (active === null && !(isFirst && manifest.rollout !== null))
    notes.push(color.red(`${name}: ${isRefused ? 'no key is active' : keylessText(manifest)}`));
  const { backoff, lease, rollout } = manifest;
  if (rollout !== null) notes.push(color.cyan(`${name}: ${rolloutText(rollout, manifest, policy, now)}`));
  // A back-off that is over, without a rollout to try again, is history.
  if (backoff !== null && (rollout !== null || isBackingOff(manifest, now))) {
    const next =
      backoff.until > now
        ? `next attempt ${dueText(backoff.until, now)}, or now with rotate --force`
        : 'next attempt with the next run';
    const because = isHeldByHand(manifest)
      ? 'rolled back by hand'
      : `${failuresText(backoff.failures)} (${backoff.because})`;
    notes.push(color.yellow(`${name}: ${because}; ${next}`));
  }
  for (const one of manifest.retirements) {
    notes.push(color.red(`${name}: ${one.kid} ${retirementText(one, manifest, isRefused, now)}`));
  }
  if (lease !== null) notes.push(color.dim(`${name}: ${leaseText(lease, status.isFree === true, now)}`));
  const change = changeText(manifest, policy);
  if (change !== null) notes.push(color.yellow(`${name}: ${change}`));
  return notes;
}

function retirementText(one: Retirement, manifest: Manifest, isRefused: boolean, now: Instant): string {
  const { kid, reason, checkAgainAt } = one;
  if (!openRetirements(manifest).includes(one)) {
    const again = checkAgainAt === null ? '' : runText(checkAgainAt, now);
    return `was retired (${reason}): verifiers are looked at again ${again}`;
  }
  if (isRefused) return `is being retired (${reason})`;
  // `retire` finds nothing to do for a key that is known by its name alone.
  const isBare = manifest.keys.some((key) => key.kid === kid && key.state === 'destroyed');
  return `is being retired (${reason}): jwtrot ${isBare ? 'rotate' : 'retire or rotate'} goes on`;
}

function leaseText({ verb, owner, until }: Lease, isFree: boolean, now: Instant): string {
  const who = `${verb} (pid ${owner.pid})`;
  if (until <= now) return `${who} held the lease, which has run out`;
  if (isFree) return `${who} is not at work any more and has left its lease: the next run takes it`;
  return `${who} holds the lease, at most ${approximateDuration(until - now)} more`;
}

function historyNotes({ keyset, other }: KeysetStatus, color: Palette): string[] {
  if (other == null) return [];
  const { name } = keyset;
  if (other.isDoubtful) return [color.yellow(`${name}: ${other.text}: an old copy may have been read; look again`)];
  if (other.untold !== undefined)
    return [color.red(`${name}: ${other.text}: jwtrot retire --kid ${shellWord(other.knownAs ?? other.untold)}`)];
  const what = other.why === 'record-damaged' ? other.text : `another history than this host knows: ${other.text}`;
  return [color.red(`${name}: ${what}: jwtrot store recover --keyset ${name}`)];
}
