import { describe, expect, it } from 'vitest';
import { knownBehind, stampsEarly } from '../../src/rollout/clock-trust.js';
import type { Run } from '../../src/rollout/run.js';
import { settled } from '../keyset/scenes.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A run that began an hour ago; its clock shows that, or less. */
function run(options: { setBack: number; behindAtStart?: number; clockSkew?: number; acceptClock?: boolean }): Run {
  const { setBack, behindAtStart = null, clockSkew = MINUTE, acceptClock = false } = options;
  const { now } = settled();
  return {
    context: {
      clock: { now: () => now + HOUR - setBack, monotonic: () => 7 + HOUR },
      policy: { clockSkew },
      store: { clockOffset: () => null },
    },
    request: { acceptClock },
    behindAtStart,
    began: { wall: now, monotonic: 7 },
  } as unknown as Run;
}

function isEarly(of: Run): boolean {
  const { known } = settled();
  return stampsEarly(of, known, of.context.clock.now());
}

describe('a clock that is set back while a run is at work', () => {
  it('is known by the monotonic one, and stamps too early', () => {
    expect(knownBehind(run({ setBack: 11 * MINUTE }))).toBe(11 * MINUTE);
    expect(isEarly(run({ setBack: 11 * MINUTE }))).toBe(true);
    expect(knownBehind(run({ setBack: 11 * MINUTE, behindAtStart: HOUR }))).toBe(HOUR + 11 * MINUTE);
  });

  it('is none where it differs by no more than clocks may, is ahead, or was behind already', () => {
    expect(knownBehind(run({ setBack: MINUTE }))).toBeNull();
    expect(isEarly(run({ setBack: MINUTE }))).toBe(false);
    expect(knownBehind(run({ setBack: -5 * HOUR }))).toBeNull();
    expect(knownBehind(run({ setBack: 0, behindAtStart: 3 * MINUTE }))).toBe(3 * MINUTE);
  });

  it('is not what two readings that are not of the same instant differ by', () => {
    expect(knownBehind(run({ setBack: 5_000, clockSkew: 0 }))).toBeNull();
    expect(knownBehind(run({ setBack: 5_001, clockSkew: 0 }))).toBe(5_001);
  });

  it('is trusted where the operator says so', () => {
    expect(isEarly(run({ setBack: 11 * MINUTE, acceptClock: true }))).toBe(false);
  });
});
