import { describe, expect, it } from 'vitest';
import type { Batch } from '../../src/keyset/basics/policy.js';
import { planWaves } from '../../src/rollout/batches.js';

/** `3 of 2`: three instances, two at a time. Waves as text: `a1 a2 | b1`. */
function waves(most: Batch, ...queues: [count: number, batch: Batch][]): string {
  const named = queues.map(([count, batch], service) => ({
    batch,
    items: Array.from({ length: count }, (_, i) => `${'abcdef'[service]}${i + 1}`),
  }));
  return planWaves(named, most)
    .map((wave) => wave.join(' '))
    .join(' | ');
}

describe('the waves of one service', () => {
  it.each<[Batch, number, string]>([
    ['all', 3, 'a1 a2 a3'],
    [1, 3, 'a1 | a2 | a3'],
    [2, 5, 'a1 a2 | a3 a4 | a5'],
    [3, 3, 'a1 a2 a3'],
    [1000, 2, 'a1 a2'],
    ['canary', 4, 'a1 | a2 a3 a4'],
    ['canary', 1, 'a1'],
    ['canary', 2, 'a1 | a2'],
  ])('with batch %s, of %d instances, are %s', (batch, count, expected) => {
    expect(waves('all', [count, batch])).toBe(expected);
  });

  it('are none without an instance', () => {
    expect(planWaves([{ batch: 1, items: [] }], 1)).toEqual([]);
    expect(planWaves([], 'all')).toEqual([]);
  });
});

describe('the waves of several services together', () => {
  it('are of so many in all, in the order in which they are configured', () => {
    expect(waves(2, [3, 'all'], [2, 'all'])).toBe('a1 a2 | a3 b1 | b2');
    expect(waves(1, [2, 'all'], [1, 'all'])).toBe('a1 | a2 | b1');
    expect(waves(4, [2, 'all'], [1, 'all'])).toBe('a1 a2 b1');
  });

  it('hold no more of a service than its own batch', () => {
    expect(waves(3, [3, 1], [3, 'all'])).toBe('a1 b1 b2 | a2 b3 | a3');
    expect(waves(10, [3, 2], [3, 1])).toBe('a1 a2 b1 | a3 b2 | b3');
  });

  it('begin with one instance for a canary, of all or of its service', () => {
    expect(waves('canary', [2, 'all'], [2, 'all'])).toBe('a1 | a2 b1 b2');
    expect(waves('canary', [1, 'all'], [3, 'canary'])).toBe('a1 | b1 | b2 b3');
    expect(waves(10, [3, 'canary'], [3, 'canary'])).toBe('a1 b1 | a2 a3 b2 b3');
  });

  it('hold each instance exactly once, in order, and never more than they may', () => {
    const batches: Batch[] = ['all', 'canary', 1, 2, 3, 7];
    for (const most of batches) {
      for (const first of batches) {
        for (const second of batches) {
          for (let count = 0; count < 6; count += 1) {
            const queues = [
              { batch: first, items: Array.from({ length: count }, (_, i) => ({ queue: 0, i })) },
              { batch: second, items: Array.from({ length: 5 - count }, (_, i) => ({ queue: 1, i })) },
            ];
            const planned = planWaves(queues, most);
            for (const [n, queue] of queues.entries()) {
              expect(planned.flat().filter((item) => item.queue === n)).toEqual(queue.items);
            }
            for (const [turn, wave] of planned.entries()) {
              expect(wave.length).toBeGreaterThan(0);
              expect(wave.length).toBeLessThanOrEqual(mostOf(most, turn));
              for (const [n, queue] of queues.entries()) {
                const size = wave.filter((item) => item.queue === n).length;
                expect(size).toBeLessThanOrEqual(typeof queue.batch === 'number' ? queue.batch : 5);
              }
            }
          }
        }
      }
    }
  });
});

function mostOf(batch: Batch, turn: number): number {
  if (batch === 'canary') return turn === 0 ? 1 : 5;
  return batch === 'all' ? 5 : batch;
}
