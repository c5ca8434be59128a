import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createTurnstile } from '../../src/services/turnstile.js';
import { never } from './services.js';

/** Work that goes on until it is told to end. */
function tasks() {
  const begun: string[] = [];
  const ends = new Map<string, (value: string) => void>();
  const work = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve) => ends.set(name, resolve));
  };
  const end = async (name: string) => {
    ends.get(name)?.(name);
    await sleep(0);
  };
  return { begun, work, end };
}

describe('a turnstile', () => {
  it('lets so many in at once, the others in their order as these end', async () => {
    const { begun, work, end } = tasks();
    const turnstile = createTurnstile({ atOnce: 2, patience: 60_000, most: 9 });
    const results = ['a', 'b', 'c', 'd'].map((name) => turnstile.pass(work(name), never()));
    await sleep(0);
    expect(begun).toEqual(['a', 'b']);
    await end('b');
    expect(begun).toEqual(['a', 'b', 'c']);
    // Whoever comes now does not overtake.
    results.push(turnstile.pass(work('e'), never()));
    await end('a');
    await end('c');
    await end('d');
    await end('e');
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('has nobody wait for those that hang, up to the most in all', async () => {
    const { begun, work, end } = tasks();
    const turnstile = createTurnstile({ atOnce: 2, patience: 20, most: 5 });
    const results = [...'abcdefg'].map((name) => turnstile.pass(work(name), never()));
    await expect.poll(() => begun.join('')).toBe('abcde');
    await sleep(60);
    expect(begun).toHaveLength(5);
    await end('d');
    expect(begun.join('')).toBe('abcdef');
    for (const name of 'abcefg') await end(name);
    expect((await Promise.all(results)).join('')).toBe('abcdefg');
  });

  it('goes on after work that fails, and hands its failure on', async () => {
    const turnstile = createTurnstile({ atOnce: 1, patience: 60_000, most: 1 });
    const failing = turnstile.pass(() => Promise.reject(new Error('broken')), never());
    const next = turnstile.pass(async () => 'done', never());
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('done');
  });

  it('forgets whoever is not wanted any more', async () => {
    const { begun, work, end } = tasks();
    const turnstile = createTurnstile({ atOnce: 1, patience: 60_000, most: 1 });
    const first = turnstile.pass(work('a'), never());
    const interrupted = new AbortController();
    const second = turnstile.pass(work('b'), interrupted.signal);
    const third = turnstile.pass(work('c'), never());
    interrupted.abort(new Error('interrupted'));
    await expect(second).rejects.toThrow('interrupted');
    await expect(turnstile.pass(work('d'), interrupted.signal)).rejects.toThrow('interrupted');
    await end('a');
    await end('c');
    expect([await first, await third, begun]).toEqual(['a', 'c', ['a', 'c']]);
  });
});
