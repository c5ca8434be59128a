import { describe, expect, test } from 'vitest';
import { editDistance, nearestName } from '../../src/config/suggest.js';

const KNOWN = ['alg', 'maxTokenTtl', 'publishAhead', 'verifyFor', 'publish'];

describe('A suggestion', () => {
  test.each([
    ['publishAhed', 'publishAhead'],
    ['publish_ahead', 'publishAhead'],
    ['MAXTOKENTTL', 'maxTokenTtl'],
    ['veirfyFor', 'verifyFor'],
    ['agl', 'alg'],
    ['publsh', 'publish'],
  ])('for %s is %s', (given, expected) => {
    expect(nearestName(given, KNOWN)).toBe(expected);
  });

  test.each(['colour', 'x', '', 'a'.repeat(10_000)])('is not made for what is near to nothing', (given) => {
    expect(nearestName(given, KNOWN)).toBeNull();
  });

  test('counts a swap of neighbours as one slip', () => {
    expect([
      editDistance('abcd', 'abdc'),
      editDistance('abc', 'abc'),
      editDistance('', 'abc'),
      editDistance('kitten', 'sitting'),
    ]).toEqual([1, 0, 3, 3]);
  });
});
