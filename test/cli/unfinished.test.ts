import { describe, expect, it } from 'vitest';
import { Unfinished } from '../../src/cli/watchdog/unfinished.js';
import type { Action } from '../../src/keyset/planning/action.js';

const request = { kid: 'k1', reason: 'compromised', deadline: 120_000, noReplacement: false, purge: false } as const;
const RECORD: Action = { type: 'record-retirement', kid: 'k1', reason: 'asked', request, isElsewhere: true };
const WRITE: Action = { type: 'write-outlets', kid: 'k1', reason: 'key-dropped' };

/** What is said at the wall of an incident that has done both, and hangs. */
function said(isStoreless: boolean): string {
  const unfinished = new Unfinished(130_000);
  unfinished.hear({ type: 'began', keyset: 'api', kid: 'k1', store: 'directory /s' });
  for (const action of [RECORD, WRITE]) {
    unfinished.hear({ type: 'progress', event: { type: 'action', keyset: 'api', action } });
    const done = { type: 'done', keyset: 'api', action, detail: null } as const;
    unfinished.hear({ type: 'progress', event: isStoreless ? { ...done, isStoreless } : done });
  }
  return unfinished.overTheWall(['retire', '--kid', 'k1']).message;
}

describe('what is said of a retirement that was stopped', () => {
  it('is what was done, in the order in which it was', () => {
    expect(said(false)).toMatch(/; done: record the request to retire k1 \(.*\), write .*; still open: the next step$/);
  });

  it('is not that anything was recorded, where the store hung', () => {
    const text = said(true);
    expect(text).not.toContain('record the request');
    expect(text).toMatch(
      /; done: write the outlets.*; still open: the next step, the store does not know of the request$/,
    );
  });
});

describe('why a retirement was stopped', () => {
  const DROP: Action = { type: 'confirm-drop', kids: ['k1'], reason: 'key-dropped' };

  /** @param underWay in the keysets, in their order */
  const why = (...underWay: readonly Action[]) => stopped('awaited', underWay);

  function stopped(state: 'awaited' | 'unconfirmed', underWay: readonly Action[]): string {
    const unfinished = new Unfinished(130_000);
    unfinished.hear({ type: 'began', keyset: 'api', kid: 'k1', store: 'directory /s' });
    underWay.forEach((action, i) => {
      unfinished.hear({ type: 'progress', event: { type: 'action', keyset: `api${i}`, action } });
      if (action.type !== 'confirm-drop') return;
      const gateway = { service: 'gateway', instance: 'a', state, reason: 'no answer' } as const;
      unfinished.hear({ type: 'progress', event: { type: 'instance', keyset: `api${i}`, ...gateway } });
    });
    return unfinished.overTheWall(['retire', '--kid', 'k1']).message;
  }

  it('is services that have not answered, where those alone were waited for', () => {
    expect(why(DROP)).toMatch(/, its deadline and 10s more: services were still being waited for; done: nothing; /);
    expect(why(DROP)).not.toContain('hangs');
  });

  it('is that something hangs, where anything else was under way, or nothing was', () => {
    for (const text of [why(WRITE), why(), why(WRITE, DROP), why(DROP, WRITE), stopped('unconfirmed', [DROP])])
      expect(text).toContain('10s more: something in it hangs; ');
    expect(why(WRITE, DROP)).toMatch(
      /; still open: write the outlets.*, wait until each .* k1 \(a key was retired\), gateway/,
    );
  });
});
