import { describe, expect, it } from 'vitest';
import type { Decision } from '../../src/keyset/planning/action.js';
import { decide } from '../../src/keyset/planning/order.js';
import { DAY, HOUR, RETIRE, rotated, SECOND, START, settled, switching } from './story.js';

function refused(decision: Decision) {
  return decision.type === 'refused' ? decision.refusal : null;
}

const _IMPORT =
  'adopt the key in use first: jwtrot import --pem FILE (or --jwk FILE; --public FILE for one that only verifies)';

describe('a clock that is behind', () => {
  it('refuses rotation, expiry and destruction', () => {
    const story = rotated();
    story.now = START + 90 * DAY - 61 * SECOND;
    expect(refused(story.decide())).toEqual({
      code: 'clock-behind',
      message:
        'this clock (2026-03-31T23:58:59.000Z) is 1m 1s behind the newest event of keyset api (2026-04-01T00:00:00.000Z); rotation, expiry and destruction are refused, nothing was changed',
      hint: 'set the clock (timedatectl); if this clock is the right one: jwtrot rotate --accept-clock',
    });
    expect(story.run({ force: true })).toEqual(['refused clock-behind']);
  });

  it('is not trusted again when its own commits are the newest events', () => {
    const story = rotated();
    const input = story.input();
    const observations = { ...input.observations, clockBehind: 5 * HOUR };
    expect(refused(decide(input))).toBeNull();
    expect(refused(decide({ ...input, observations }))).toMatchObject({
      code: 'clock-behind',
      message: expect.stringContaining('is 5h behind the time that this run has seen'),
    });
    expect(refused(decide({ ...input, observations, request: { ...input.request, acceptClock: true } }))).toBeNull();
  });

  it('may be behind by clockSkew', () => {
    const story = rotated();
    story.now -= 60 * SECOND;
    expect(story.run()).toEqual([]);
  });

  it('does not refuse to resume, to roll back or to retire', () => {
    const story = switching();
    story.now -= 10 * DAY;
    expect(story.run()).toEqual(['confirm-signers k2 switched', 'refused clock-behind']);
    const leaked = rotated();
    leaked.now -= 10 * DAY;
    const done = leaked.retire('k2');
    expect(done[0]).toBe('record-retirement k2 asked');
    expect(leaked.states).toBe('k1: deprecated, k2: retired, k3: active');
  });

  it('stays refused after what it did not refuse has been recorded with its times', () => {
    const story = switching();
    story.now -= 10 * DAY;
    story.run();
    expect(story.run()).toEqual(['refused clock-behind']);
  });

  it('does not bring an end of use forward', () => {
    const story = switching();
    const right = story.now;
    story.now -= 10 * DAY;
    story.run();
    expect(story.key('k1').signedUntil).toBe(right);
    story.now = right + 8 * DAY + 59 * SECOND;
    expect(story.run()).toEqual([]);
  });

  it('does not bring publishAhead forward', () => {
    const story = settled();
    story.now = START + 89 * DAY;
    story.step();
    story.now -= 5 * DAY;
    story.run();
    expect(story.key('k2')).toMatchObject({ publishedAt: START + 89 * DAY, confirmedAt: START + 89 * DAY });
  });
});

describe('a clock that the operator says is right', () => {
  it('takes back by how far the former was ahead whatever lies ahead of it', () => {
    const wrong = 300 * DAY;
    const story = settled();
    const right = START + 10 * DAY;
    story.now = right + wrong;
    story.run({ force: true, immediate: true });
    story.manifest = { ...story.known, reloadsUntil: story.now + 120 * SECOND };
    story.now += HOUR;
    story.run({ retire: { ...RETIRE, kid: 'k1', deadline: HOUR }, incidentOnly: true });
    story.now = right + 2 * HOUR;
    expect(story.run()).toEqual(['refused clock-behind']);
    expect(story.run({ acceptClock: true })[0]).toBe('accept-clock - asked');
    const { now } = story;
    expect(story.key('k2')).toMatchObject({ publishedAt: now, activatedAt: now, signedFrom: now });
    expect(story.known.retirements[0]).toMatchObject({ requestedAt: now, deadlineAt: now + HOUR });
    expect(story.known.events.every((event) => event.at <= now)).toBe(true);
    expect(story.run()).toEqual([]);
  });

  it('never makes an end of use earlier than it was', () => {
    const story = switching();
    story.now += 100 * DAY;
    story.reloadsUntil = story.now + 120 * SECOND;
    story.run();
    const signedUntil = story.now + 120 * SECOND;
    expect(story.key('k1').signedUntil).toBe(signedUntil);
    // The clock had been 100 days ahead, and nothing else happened for an hour since.
    story.now -= 100 * DAY - HOUR;
    story.run({ acceptClock: true });
    expect(story.key('k1').signedUntil).toBe(story.now + 120 * SECOND);
  });

  it('leaves times alone that are not ahead', () => {
    const story = rotated();
    const before = story.key('k1');
    story.now += DAY;
    expect(story.run({ acceptClock: true })).toEqual([]);
    expect(story.key('k1')).toEqual(before);
  });
});
