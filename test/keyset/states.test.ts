import { describe, expect, expectTypeOf, it } from 'vitest';
import { JwtrotError } from '../../src/keyset/basics/error.js';
import type * as model from '../../src/keyset/manifest/key.js';
import type { GoingBack } from '../../src/keyset/manifest/model.js';
import {
  assertLegalMove,
  type Before,
  isLegalMove,
  isPublished,
  KEY_STATES,
  type KeyState,
} from '../../src/keyset/manifest/states.js';
import { activated, deletionOrdered, keyIn } from '../../src/keyset/transitions/all.js';
import { withParts } from '../support/manifest.js';
import { POLICY, rotated, START, settled } from './story.js';

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

describe('what a key has in a state', () => {
  it('is known to the compiler', () => {
    expectTypeOf<model.CreatingKey['publishedAt' | 'signedFrom' | 'deleteAgainAt']>().toEqualTypeOf<null>();
    expectTypeOf<model.ImportingKey['signedFrom']>().toEqualTypeOf<number>();
    expectTypeOf<model.PendingKey['activatedAt' | 'droppedAt']>().toEqualTypeOf<null>();
    expectTypeOf<model.ActiveKey['activatedAt' | 'signedFrom']>().toEqualTypeOf<number>();
    expectTypeOf<model.ActiveKey['signedUntil' | 'deprecatedAt' | 'reason']>().toEqualTypeOf<null>();
    expectTypeOf<model.ActiveKey['hasPrivate']>().toEqualTypeOf<true>();
    expectTypeOf<model.RetiredKey['retiredAt']>().toEqualTypeOf<number>();
    expectTypeOf<model.RetiredKey['destroyedAt']>().toEqualTypeOf<null>();
    expectTypeOf<model.Tombstone['publicJwk']>().toEqualTypeOf<null>();
    expectTypeOf<Exclude<model.Key, model.Tombstone>['publicJwk']>().toEqualTypeOf<model.PublicJwk>();
    expectTypeOf<Before<'active'>>().toEqualTypeOf<'pending' | 'deprecated'>();
    expectTypeOf<GoingBack['former']>().toEqualTypeOf<string>();
  });

  it('never has it sign without its private half', () => {
    const { known } = rotated();
    expect(() => activated(withParts(known, 'k1', { hasPrivate: false }), 'k1', { policy: POLICY, at: START })).toThrow(
      new JwtrotError(
        'refused',
        'illegal-move',
        'key k1 cannot become active without a private half; nothing was changed',
      ),
    );
  });

  it('is not changed in another state', () => {
    const { known } = settled();
    expect(keyIn(known, 'k1', 'pending', 'active').activatedAt).toBe(START);
    expect(() => deletionOrdered(known, 'k1', { goneAt: START, isLast: true }, START)).toThrow(
      new JwtrotError('refused', 'illegal-change', 'key k1 is active, not retired; nothing was changed'),
    );
  });
});
