import { describe, expect, it } from 'vitest';
import { backedOff } from '../../src/keyset/transitions/all.js';
import { withForce } from '../../src/rollout/held-hints.js';
import { recordOnly } from '../keyset/incidents.js';
import { HOUR, type Story, settled, staged } from '../keyset/story.js';

function failed(story: Story): Story {
  story.manifest = backedOff(story.known, 'api', story.now);
  return story;
}

function hintOf(story: Story, hint: string | null): string | null {
  const problem = { block: 'outlets', message: 'm', hint, kind: 'services', code: 'c' } as const;
  return withForce([problem], story.known, story.now)[0]?.hint ?? null;
}

describe('the hint of a problem while a back-off holds the rollout', () => {
  it.each([
    ['create it: install -d /x', 'create it: install -d /x; then jwtrot rotate --force'],
    ['mend that, then run it again', 'mend that, then run it again: jwtrot rotate --force'],
    ['or now: jwtrot rotate --force', 'or now: jwtrot rotate --force'],
    [null, null],
  ])('ends with what goes on now: %s', (hint, said) => {
    expect(hintOf(failed(staged()), hint)).toBe(said);
  });

  it('is what it was where nothing is held: no rollout, an incident, a back-off that is over', () => {
    const incident = failed(staged());
    recordOnly(incident, 'k1');
    const over = failed(staged());
    over.now += 2 * HOUR;
    for (const story of [failed(settled()), incident, over]) expect(hintOf(story, 'mend that')).toBe('mend that');
  });
});
