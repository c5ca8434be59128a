import { describe, expect, it } from 'vitest';
import { createTally } from '../../src/services/tally.js';

describe('a tally of confirming answers', () => {
  it('asks for so many in a row', () => {
    const tally = createTally({ confirmations: 3, distinct: null });
    tally.add(true, null);
    tally.add(true, null);
    expect(tally.missing()).toBe('2 of 3 answers in a row');
    tally.add(false, null);
    tally.add(true, null);
    tally.add(true, null);
    expect(tally.isComplete()).toBe(false);
    tally.add(true, null);
    expect(tally.isComplete()).toBe(true);
  });

  it('asks for so many different workers, however often one of them answers', () => {
    const tally = createTally({ confirmations: 1, distinct: { pointer: '/pid', count: 3 } });
    for (let i = 0; i < 20; i++) tally.add(true, 'a');
    tally.add(true, 'b');
    expect(tally.isComplete()).toBe(false);
    expect(tally.missing()).toBe('only 2 of 3 different workers answered so far');
    tally.add(true, 'c');
    expect(tally.isComplete()).toBe(true);
  });

  it('begins again when a worker answers otherwise', () => {
    const tally = createTally({ confirmations: 1, distinct: { pointer: '/pid', count: 2 } });
    tally.add(true, 'a');
    tally.add(false, 'b');
    tally.add(true, 'b');
    expect(tally.isComplete()).toBe(false);
    tally.add(true, 'a');
    expect(tally.isComplete()).toBe(true);
  });

  it('never counts answers that do not say which worker gave them', () => {
    const tally = createTally({ confirmations: 1, distinct: { pointer: '/pid', count: 1 } });
    for (let i = 0; i < 5; i++) tally.add(true, null);
    expect(tally.isComplete()).toBe(false);
    expect(tally.missing()).toBe('answers name no worker at "/pid"');
  });
});
