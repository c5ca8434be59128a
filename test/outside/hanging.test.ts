import { describe, expect, it } from 'vitest';
import { Hangs, unlessHanging } from '../../src/outside/hanging.js';

/** Comes back when it is told to. */
function held<T>() {
  let comeBack: (value: T) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const promise = new Promise<T>((resolve, reject) => {
    comeBack = resolve;
    fail = reject;
  });
  return { promise, comeBack, fail };
}

describe('a file operation', () => {
  it('is waited for so long and no longer', async () => {
    expect(await unlessHanging('/a', async () => 'text', 1_000)).toBe('text');
    await expect(unlessHanging('/a', () => Promise.reject(new Error('no')), 1_000)).rejects.toThrow('no');
    const began = performance.now();
    await expect(unlessHanging('/a', () => held().promise, 20)).rejects.toThrow(Hangs);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('is not tried again at a place that hangs, until that has come back', async () => {
    const first = held<string>();
    const late: string[] = [];
    await expect(
      unlessHanging(
        '/b',
        () => first.promise,
        20,
        (text) => late.push(text),
      ),
    ).rejects.toThrow(Hangs);
    let tried = 0;
    const again = () =>
      unlessHanging('/b', async () => {
        tried += 1;
        return 'text';
      });
    await expect(again()).rejects.toThrow('/b does not answer');
    expect(tried).toBe(0);
    expect(await unlessHanging('/c', async () => 'another')).toBe('another');
    first.comeBack('a secret');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(late).toEqual(['a secret']);
    expect(await again()).toBe('text');
  });

  it('may be tried again, too, when it has failed late', async () => {
    const first = held<string>();
    await expect(unlessHanging('/d', () => first.promise, 20)).rejects.toThrow(Hangs);
    first.fail(new Error('EIO'));
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await unlessHanging('/d', async () => 'text')).toBe('text');
  });

  it('that came back while the process was stopped is taken', async () => {
    const work = held<string>();
    const taken = unlessHanging('/e', () => work.promise, 20);
    // Blocked for longer than the limit, as if it had been stopped: its timer and the answer are there at the same time.
    const until = performance.now() + 100;
    while (performance.now() < until);
    setImmediate(() => work.comeBack('text'));
    expect(await taken).toBe('text');
  });
});
