import { describe, expect, it } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../../src/keyset/basics/clock.js';
import { approximateDuration, formatDuration, parseDuration } from '../../src/keyset/basics/duration.js';

describe('reading a duration', () => {
  it.each([
    ['0s', 0],
    ['90d', 90 * DAY],
    ['36h', 36 * HOUR],
    ['1h30m', 90 * MINUTE],
    ['1w', 7 * DAY],
    ['500ms', 500],
    ['0.5s', 500],
    ['1.5h', 90 * MINUTE],
    ['1m1ms', MINUTE + 1],
    ['2m', 2 * MINUTE],
  ])('takes %s', (text, duration) => {
    expect(parseDuration(text)).toBe(duration);
  });

  it.each([
    '',
    '90',
    's',
    '1 h',
    ' 1h',
    '1h ',
    '-1h',
    '+1h',
    '1y',
    '1H',
    '1h,2m',
    '.5s',
    '1.s',
    '1e3s',
    '٣h',
    'Infinity',
  ])('does not take "%s"', (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  it('does not take what no number can hold exactly', () => {
    expect(parseDuration('9007199254740991ms')).toBe(Number.MAX_SAFE_INTEGER);
    expect(parseDuration('9007199254740992ms')).toBeNull();
    expect(parseDuration(`${'9'.repeat(400)}d`)).toBeNull();
  });
});

describe('writing a duration', () => {
  it.each([
    [0, '0s'],
    [36 * HOUR, '1d12h'],
    [90 * DAY, '90d'],
    [61 * SECOND, '1m1s'],
    [HOUR + 5, '1h5ms'],
    [-90 * SECOND, '-1m30s'],
  ])('%d ms is %s', (duration, text) => {
    expect(formatDuration(duration)).toBe(text);
  });

  it('is read back as the same', () => {
    for (const duration of [1, 999, SECOND, 12_345, 7 * DAY + 3 * HOUR + 2 * MINUTE + SECOND + 1, 3650 * DAY]) {
      expect(parseDuration(formatDuration(duration))).toBe(duration);
    }
  });

  it.each([
    [89 * DAY + 4 * HOUR + 59 * MINUTE, '89d 4h'],
    [14 * SECOND + 900, '14s'],
    [999, '0s'],
    [-5 * SECOND, '0s'],
    [2 * HOUR + 3 * SECOND, '2h 3s'],
  ])('for people %d ms is %s', (duration, text) => {
    expect(approximateDuration(duration)).toBe(text);
  });
});
