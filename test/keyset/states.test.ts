import { describe, expect, it } from 'vitest';
import { JwtrotError } from '../../src/keyset/error.js';
import { assertLegalMove, isLegalMove, isPublished, KEY_STATES, type KeyState } from '../../src/keyset/states.js';

const LEGAL: readonly [KeyState, KeyState][] = [
  ['creating', 'pending'],
  ['creating', 'retired'],
  ['pending', 'active'],
  ['pending', 'retired'],
  ['active', 'deprecated'],
  ['active', 'retired'],
  ['deprecated', 'active'],
  ['deprecated', 'retired'],
  ['retired', 'destroyed'],
];
const ALL = KEY_STATES.flatMap((from) => KEY_STATES.map((to) => [from, to] as const));
const ILLEGAL = ALL.filter(([from, to]) => !LEGAL.some(([a, b]) => a === from && b === to));

describe('the states of a key', () => {
  it.each(LEGAL)('lets a key go from %s to %s', (from, to) => {
    expect(isLegalMove(from, to)).toBe(true);
    expect(() => assertLegalMove('k1', from, to)).not.toThrow();
  });

  it.each(ILLEGAL)('never lets a key go from %s to %s', (from, to) => {
    expect(isLegalMove(from, to)).toBe(false);
    expect(() => assertLegalMove('k1', from, to)).toThrow(
      new JwtrotError('refused', 'illegal-move', `key k1 cannot go from ${from} to ${to}; nothing was changed`),
    );
  });

  it('has 27 moves that are not legal', () => {
    expect(ILLEGAL).toHaveLength(27);
  });

  it('publishes pending, active and deprecated keys alone', () => {
    expect(KEY_STATES.filter(isPublished)).toEqual(['pending', 'active', 'deprecated']);
  });
});
