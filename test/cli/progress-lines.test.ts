import { describe, expect, it } from 'vitest';
import { ProgressLines } from '../../src/cli/output/progress-lines.js';
import type { Progress } from '../../src/rollout/context.js';

const ACTION = { type: 'confirm-verifiers', kid: 'k2', isRecheck: false, reason: 'new-key' } as const;

/** The lines of a step of so many instances, the last of which do not confirm. */
function linesOf(count: number, failing: number, isWhole = false): string[] {
  const names = Array.from({ length: count }, (_, i) => `${i + 1}`);
  const event = (instance: string, state: 'reloading' | 'awaited' | 'confirmed' | 'unconfirmed'): Progress => {
    const reason = state === 'unconfirmed' ? 'no answer' : null;
    return { type: 'instance', keyset: 'api', service: 'gateway', instance, state, reason };
  };
  const instances = names.map((instance) => ({ service: 'gateway', instance }));
  const ended = names.map((name, i) => event(name, i < count - failing ? 'confirmed' : 'unconfirmed'));
  const events: Progress[] = [
    { type: 'action', keyset: 'api', action: ACTION },
    { type: 'asked', keyset: 'api', instances },
    ...names.flatMap((name) => [event(name, 'reloading'), event(name, 'awaited')]),
    ...ended,
    failing === 0
      ? { type: 'done', keyset: 'api', action: ACTION, detail: `${count} confirmed` }
      : { type: 'blocked', keyset: 'api', text: 'said at the end' },
  ];
  const lines = new ProgressLines(isWhole);
  return [...events.flatMap((one) => lines.of(one)), ...lines.end()].map(({ text }) => text);
}

describe('the lines of a step', () => {
  it('are two for each instance of a small fleet', () => {
    const lines = linesOf(20, 1);
    expect(lines).toHaveLength(1 + 2 * 20);
    expect(lines.slice(-2)).toEqual(['api:   gateway/19 confirmed', 'api:   gateway/20 unconfirmed: no answer']);
  });

  it('are a count where all of a large one have confirmed', () => {
    expect(linesOf(1_000, 0).slice(1)).toEqual(['api:   1000 confirmed']);
  });

  it('name who did not confirm, and end with a count', () => {
    expect(linesOf(1_000, 3).slice(1)).toEqual([
      ...['998', '999', '1000'].map((name) => `api:   gateway/${name} unconfirmed: no answer`),
      'api:   997 of 1000 confirmed',
    ]);
  });

  it('name twenty of many that did not confirm', () => {
    const lines = linesOf(1_000, 700);
    expect(lines).toHaveLength(1 + 20 + 1);
    expect(lines.at(-1)).toBe('api:   300 of 1000 confirmed; and 680 more did not');
  });

  it('are all of them with --verbose', () => {
    expect(linesOf(1_000, 0, true)).toHaveLength(1 + 2 * 1_000 + 1);
  });

  it('have twenty of many waves', () => {
    const lines = new ProgressLines(false);
    const wave = (of: number) => (_: unknown, i: number) =>
      lines.of({ type: 'wave', keyset: 'api', service: 'gateway', number: i + 1, of, instances: [] });
    expect(Array.from({ length: 1_000 }, wave(1_000)).flat()).toHaveLength(20);
    expect(Array.from({ length: 20 }, wave(20)).flat()).toHaveLength(20);
  });
});
