import { describe, expect, it } from 'vitest';
import { backedOff, givenUp, retired, stage } from '../../src/keyset/transitions/all.js';
import { retirementRecheckOwed } from '../../src/keyset/transitions/retirement.js';
import { withParts } from '../support/manifest.js';
import { MINUTE, recordOnly } from './incidents.js';
import { DAY, HOUR, newKey, rotated, START, settled } from './story.js';

describe('after an incident', () => {
  it('verifiers are looked at once more, in the first run after jwksMaxAge (trace 18)', () => {
    const story = rotated();
    story.retire('k1');
    expect(story.known.retirements).toMatchObject([{ kid: 'k1', checkAgainAt: story.now + HOUR + MINUTE }]);
    story.now += HOUR + MINUTE - 1;
    expect(story.run()).toEqual([]);
    story.now += 1;
    expect(story.run()).toEqual(['recheck-drop k1 key-dropped']);
    expect(story.known.retirements).toEqual([]);
  });

  it('its key is not marked destroyed before that look', () => {
    const story = rotated();
    story.retire('k1', { purge: true });
    story.manifest = withParts(story.known, 'k1', { goneAt: story.now });
    expect(story.run()).toEqual([]);
    story.blocked.add('recheck-drop');
    story.now += 9 * DAY;
    expect(story.next).toBe('nothing');
    expect(story.run()).toEqual(['recheck-drop k1 key-dropped', 'destroy k1 window-over']);
  });

  it('asked again it looks at once, and orders a deletion anew that was to be without a window', () => {
    const story = rotated();
    story.retire('k1');
    expect(story.retire('k1')).toEqual(['record-retirement k1 asked', 'recheck-drop k1 key-dropped']);
    expect(story.retire('k1', { purge: true })).toEqual([
      'record-retirement k1 asked',
      'delete-secret k1 retired',
      'recheck-drop k1 key-dropped',
    ]);
  });

  it('asked again it looks at once, and the look after jwksMaxAge is owed all the same', () => {
    const story = rotated();
    story.retire('k1');
    const due = story.now + HOUR + MINUTE;
    story.now += MINUTE;
    expect(story.retire('k1')).toEqual(['record-retirement k1 asked', 'recheck-drop k1 key-dropped']);
    expect(story.known.retirements).toMatchObject([{ kid: 'k1', checkAgainAt: due }]);
    expect(story.run()).toEqual([]);
    story.now = due;
    expect(story.run()).toEqual(['recheck-drop k1 key-dropped']);
    expect(story.known.retirements).toEqual([]);
  });

  it('is asked of verifiers about all dropped keys, and the one that was asked for is named first', () => {
    const story = rotated();
    story.manifest = retired(story.known, 'k1', 'expired', story.now);
    const told = story.retire('k2');
    expect(told).toContain('confirm-drop k2 key-dropped');
    expect(story.key('k1').droppedAt).not.toBeNull();
  });

  it('asked again for a tombstone of which no more than that is known, it comes to its end, too', () => {
    const story = rotated();
    story.retire('k1');
    story.now += 9 * DAY;
    story.run();
    expect(story.states).toBe('k1: destroyed, k2: active');
    story.manifest = { ...story.known, keys: story.known.keys.map((key) => ({ ...key, droppedAt: null })) };
    expect(story.retire('k1')).toEqual(['record-retirement k1 asked', 'recheck-drop k1 key-dropped']);
    expect(story.known.retirements).toEqual([]);
  });

  it('asked again it has the newest deadline and options', () => {
    const story = settled();
    recordOnly(story, 'k1', { deadline: DAY });
    story.now += HOUR;
    recordOnly(story, 'k1', { deadline: MINUTE, purge: true });
    expect(story.known.retirements).toEqual([
      {
        kid: 'k1',
        reason: 'compromised',
        requestedAt: START + HOUR,
        deadlineAt: START + HOUR + MINUTE,
        noReplacement: false,
        purge: true,
        checkAgainAt: null,
      },
    ]);
  });

  it('goes on with verifiers that did not answer, whatever back-off runs', () => {
    const story = rotated();
    story.retire('k1');
    story.manifest = {
      ...backedOff(retirementRecheckOwed(story.known, 'k1', story.now), 'x', story.now),
      keys: story.known.keys.map((key) => ({ ...key, droppedAt: null })),
    };
    expect(story.next).toBe('confirm-drop k1 key-dropped');
  });
});

describe('a run for an incident alone', () => {
  it('does nothing else that is due', () => {
    const story = rotated();
    story.now += 91 * DAY;
    expect(story.next).toBe('generate - age');
    expect(story.retire('k1').join()).not.toMatch(/generate|expire/);
  });
});

describe('a key that is out', () => {
  it('never comes back: no move leads out of retired but to destroyed', () => {
    const story = rotated();
    story.retire('k1');
    expect(() => retired(story.known, 'k1', 'expired', story.now)).toThrow('cannot go from retired to retired');
    expect(() => givenUp(story.known, 'k1', story.now, story.now)).toThrow('cannot go from retired to retired');
    expect(() =>
      stage(story.known, newKey('k1'), { forced: false, immediate: false, former: null }, story.now),
    ).toThrow('a kid is never used again');
  });
});

describe('the last key of a JWKS, retired where no incident is open (store recover)', () => {
  it('stays there until the next key drives it out: verifiers are asked after that', () => {
    const story = settled();
    story.manifest = { ...retired(story.known, 'k1', 'compromised', story.now), retirements: [] };
    const done = story.run();
    expect(done[0]).toBe('delete-secret k1 retired');
    expect(done[1]).toBe('generate - no-active-key');
    expect(done).toContain('confirm-drop k1 key-dropped');
    expect(done.indexOf('write-outlets k2 new-key')).toBeLessThan(done.indexOf('confirm-drop k1 key-dropped'));
    expect(story.jwks).toEqual(['k2']);
  });
});
