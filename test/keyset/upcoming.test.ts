import { describe, expect, it } from 'vitest';
import { upcoming, upcomingOf } from '../../src/keyset/questions/upcoming.js';
import { backedOff, emptyManifest, rolledBack, stage } from '../../src/keyset/transitions/all.js';
import { DAY, HOUR, newKey, rotated, SECOND, START, type Story, settled, staged, switching } from './story.js';

const next = (story: Story) => upcoming(story.known, story.policy, story.now);

describe('what comes next', () => {
  it('is the staging of the next key', () => {
    expect(next(settled())).toEqual({
      action: 'stage',
      at: START + 89 * DAY,
      kid: null,
      reason: 'the active key reaches rotateEvery - publishAhead',
    });
  });

  it('is the activation of the one that is staged', () => {
    expect(next(staged())).toEqual({
      action: 'activate',
      at: START + 90 * DAY,
      kid: 'k2',
      reason: 'the active key reaches rotateEvery',
    });
  });

  it('is what a rollout waits for', () => {
    expect(next(switching())).toMatchObject({
      action: 'confirm',
      at: null,
      kid: 'k2',
      reason: 'a rollout waits for signers',
    });
    const story = settled();
    story.manifest = stage(story.known, newKey('k2'), { forced: true, immediate: false, former: 'k1' }, START);
    expect(next(story)?.reason).toBe('a rollout waits for its secret');
  });

  it('is the confirmation of the key that signers go back to, on the way back', () => {
    const story = switching();
    story.manifest = rolledBack(story.known, { policy: story.policy, at: story.now }, 'issuer: refused');
    const active = story.key('k1');
    expect(active.state).toBe('active');
    expect(upcomingOf(story.known, story.policy, active, story.now)).toEqual({
      action: 'confirm',
      at: null,
      kid: 'k1',
      reason: 'the way back waits for signers',
    });
  });

  it('is the earliest of all', () => {
    expect(next(rotated())).toMatchObject({ action: 'retire', at: START + 98 * DAY + 60 * SECOND, kid: 'k1' });
    const story = rotated();
    story.now += 9 * DAY;
    story.run();
    expect(next(story)).toMatchObject({ action: 'destroy', at: story.now + 7 * DAY, kid: 'k1' });
  });

  it('is the drop that verifiers owe, and the second look after an incident', () => {
    const story = rotated();
    story.now += 9 * DAY;
    for (let i = 0; i < 3; i += 1) story.step();
    expect(next(story)).toMatchObject({
      action: 'confirm',
      at: null,
      kid: 'k1',
      reason: 'verifiers have yet to drop it',
    });
    const leaked = rotated();
    leaked.retire('k1');
    expect(next(leaked)).toMatchObject({
      action: 'confirm',
      at: leaked.now + HOUR + 60 * SECOND,
      kid: 'k1',
      reason: 'verifiers are looked at once more',
    });
  });

  it('is the next attempt while one has failed', () => {
    const story = staged();
    story.manifest = backedOff(story.known, 'gateway: no answer', story.now);
    expect(next(story)).toEqual({
      action: 'retry',
      at: story.now + HOUR,
      kid: 'k2',
      reason: 'backing off: gateway: no answer',
    });
  });

  it('is the way back, which does not wait for the back-off that it follows', () => {
    const story = rotated();
    story.request = { ...story.request, rollback: 'k1' };
    story.step();
    expect(next(story)).toMatchObject({ action: 'confirm', at: null, reason: 'the way back waits for signers' });
    story.now += SECOND;
    story.manifest = backedOff(story.known, 'issuer: no answer', story.now);
    expect(next(story)).toMatchObject({ action: 'retry', at: story.now + 2 * HOUR });
  });

  it('is the look at signers that a former key waits for', () => {
    const story = switching();
    story.mayReturn = true;
    story.step();
    story.manifest = { ...story.known, reloadsUntil: story.now + HOUR };
    expect(next(story)).toEqual({
      action: 'confirm',
      at: story.now + HOUR,
      kid: 'k2',
      reason: 'signers are looked at once more: a slow reload may bring the former key back',
    });
    expect(story.run()).toEqual([]);
    story.now += HOUR;
    expect(story.run()).toEqual(['confirm-signers k2 interrupted']);
    expect(next(story)?.action).toBe('retire');
  });

  it('is the look at verifiers after a hasty switch', () => {
    const story = settled();
    story.run({ force: true, immediate: true });
    expect(next(story)).toMatchObject({ action: 'confirm', at: story.now + HOUR + 60 * SECOND, kid: 'k2' });
  });

  it('is a rotation when no key is active', () => {
    expect(upcoming(emptyManifest('api'), settled().policy, START)).toEqual({
      action: 'rotate',
      at: null,
      kid: null,
      reason: 'no key is active',
    });
  });

  it('is always a time that can be written, or none', () => {
    const story = settled();
    for (let hour = 0; hour < 200 * 24; hour += 7) {
      story.now = START + hour * HOUR;
      story.step();
      const at = next(story)?.at ?? null;
      expect(at === null || Number.isSafeInteger(at)).toBe(true);
    }
  });
});
