import { describe, expect, it } from 'vitest';
import { MINUTE } from '../../src/keyset/basics/clock.js';
import { dueBy, stampsTooEarly } from '../../src/keyset/questions/clock-trust.js';
import type { Story } from './story.js';
import { DAY, HOUR, rotated, SECOND, START, settled, switching } from './story.js';
import { Story as Tale } from './tale.js';

const BEYOND = 5 * MINUTE + SECOND;

/** The clock jumps ahead, and the store's answer tells. */
function ahead(story: Story, by: number): void {
  story.now += by;
  story.clockOffset = by;
}

function refusal(story: Story) {
  const decision = story.decide();
  return decision.type === 'refused' ? decision.refusal : null;
}

describe('a clock that is ahead of the store’s own', () => {
  it('refuses rotation, with both times', () => {
    const story = rotated();
    ahead(story, 91 * DAY);
    expect(refusal(story)).toEqual({
      code: 'clock-ahead',
      message: `this clock (${new Date(story.now).toISOString()}) is 91d ahead of that of keyset api's store (${new Date(story.now - 91 * DAY).toISOString()}); rotation, expiry and destruction are refused, nothing was changed`,
      hint: 'set the clock (timedatectl); if this clock is the right one: jwtrot rotate --accept-clock',
    });
    expect(story.run({ force: true })).toEqual(['refused clock-ahead']);
  });

  it('refuses expiry and destruction', () => {
    const expiring = rotated();
    ahead(expiring, 10 * DAY);
    const before = expiring.states;
    expect(expiring.run()).toEqual(['refused clock-ahead']);
    expect(expiring.states).toBe(before);
    const leaving = rotated();
    leaving.now += 10 * DAY;
    leaving.run();
    const retired = leaving.states;
    expect(retired).toContain('k1: retired');
    ahead(leaving, 60 * DAY);
    expect(leaving.run()).toEqual(['refused clock-ahead']);
    expect(leaving.states).toBe(retired);
  });

  it('refuses the first key', () => {
    const story = new Tale();
    story.clockOffset = BEYOND;
    expect(story.run()).toEqual(['refused clock-ahead']);
    story.clockOffset = 0;
    expect(story.run()[0]).toBe('generate - first-key');
  });

  it('does not let publishAhead seem over', () => {
    const story = settled();
    story.now = START + 89 * DAY;
    story.run();
    expect(story.states).toBe('k1: active, k2: pending');
    ahead(story, 2 * DAY);
    expect(story.run()).toEqual(['refused clock-ahead']);
    story.now -= DAY;
    story.clockOffset = 0;
    expect(story.run()).toContain('activate k2 published-long-enough');
  });

  it('may be ahead by five minutes', () => {
    const story = rotated();
    ahead(story, 5 * MINUTE);
    expect(story.run()).toEqual([]);
    ahead(story, SECOND);
    story.clockOffset = BEYOND;
    expect(story.run()).toEqual(['refused clock-ahead']);
  });

  it('does not refuse to resume, nor an incident; what it stamps is too late, not too early', () => {
    const story = switching();
    ahead(story, HOUR);
    expect(story.run()).toEqual(['confirm-signers k2 switched', 'refused clock-ahead']);
    expect(story.key('k1').signedUntil).toBe(story.now);
    const leaked = rotated();
    ahead(leaked, HOUR);
    expect(leaked.retire('k2')[0]).toBe('record-retirement k2 asked');
    expect(leaked.states).toBe('k1: deprecated, k2: retired, k3: active');
  });

  it('does not let the second look after an incident come too early', () => {
    const story = rotated();
    story.retire('k1');
    expect(story.known.retirements).toHaveLength(1);
    ahead(story, 2 * DAY);
    expect(story.retire('k2').filter((one) => one.startsWith('recheck-drop'))).toEqual([]);
    story.clockOffset = 0;
    expect(story.run().filter((one) => one.startsWith('recheck-drop k1'))).toHaveLength(1);
  });

  it('decides all the same where the operator vouches for it, once', () => {
    const story = rotated();
    ahead(story, 10 * DAY);
    expect(story.run({ acceptClock: true })).toContain('retire k1 expired');
    story.now += 91 * DAY;
    expect(story.run()).toEqual(['refused clock-ahead']);
  });
});

describe('a clock that is behind the store’s own', () => {
  it('is refused like one that is behind the newest event', () => {
    const story = rotated();
    story.now += 100 * DAY;
    story.clockOffset = -BEYOND;
    expect(refusal(story)).toMatchObject({
      code: 'clock-behind',
      message: expect.stringContaining("is 5m 1s behind that of keyset api's store"),
    });
    expect(story.run({ acceptClock: true })).not.toContain('refused clock-behind');
  });

  it('stamps too early', () => {
    const { known, policy, now } = rotated();
    expect(stampsTooEarly(known, policy, now, -BEYOND)).toBe(true);
    expect(stampsTooEarly(known, policy, now, -5 * MINUTE)).toBe(false);
    expect(stampsTooEarly(known, policy, now, null)).toBe(false);
    expect(stampsTooEarly(known, policy, now - HOUR, 0)).toBe(true);
    expect([dueBy(now, BEYOND), dueBy(now, -BEYOND), dueBy(now, null)]).toEqual([Number.NEGATIVE_INFINITY, now, now]);
  });
});

describe('a clock that the store’s own agrees with', () => {
  it('is the right one where the newest event is ahead of both, and the hint says so', () => {
    const story = rotated();
    story.now -= 10 * DAY;
    story.clockOffset = 0;
    expect(refusal(story)).toMatchObject({
      code: 'clock-behind',
      hint: "the store's own clock agrees with this one, so another one was ahead: jwtrot rotate --accept-clock",
    });
  });
});
