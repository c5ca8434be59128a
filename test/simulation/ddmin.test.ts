import { describe, expect, it } from 'vitest';
import { ddmin } from './ddmin.js';

const ALL = Array.from({ length: 100 }, (_, i) => i);

/** Fails with these together. */
function failsWith(...needed: readonly number[]) {
  const tried: number[] = [];
  const attempt = async (some: readonly number[]) => {
    tried.push(some.length);
    return needed.every((one) => some.includes(one)) ? some : null;
  };
  return { attempt, tried };
}

describe('delta debugging', () => {
  it.each([[[]], [[0]], [[99]], [[3, 4]], [[0, 50, 99]], [[7, 20, 21, 60, 61, 62, 95]]])('finds %j', async (needed) => {
    const { attempt, tried } = failsWith(...needed);
    expect(await ddmin(ALL, attempt)).toEqual(needed);
    expect(tried.length).toBeLessThan(200);
  });

  it('goes on with those that came about', async () => {
    const { attempt } = failsWith(10);
    // Nothing above 20 ever comes about without 30.
    const found = await ddmin(ALL, async (some) => {
      const came = some.filter((one) => one <= 20 || some.includes(30));
      return (await attempt(came)) === null ? null : came;
    });
    expect(found).toEqual([10]);
  });

  it('leaves everything where all of it is needed', async () => {
    const { attempt } = failsWith(...ALL);
    expect(await ddmin(ALL, attempt)).toEqual(ALL);
  });
});
