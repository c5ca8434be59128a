import { describe, expect, it } from 'vitest';
import { retirementLookedAt } from '../../src/keyset/incident.js';
import { backedOff, givenUp, retired, stage } from '../../src/keyset/transitions.js';
import { MINUTE, recordOnly } from './incidents.js';
import { DAY, HOUR, newKey, rotated, START, settled } from './story.js';

describe('after an incident', () => {
  it('verifiers are looked at once more, in the first run after jwksMaxAge (TRACES 18)', () => {
    const story = rotated();
    story.retire('k1');
    expect(story.known.retirements).toMatchObject([{ kid: 'k1', checkAgainAt: story.now + HOUR + MINUTE }]);
    story.now += HOUR + MINUTE - 1;
    expect(story.run()).toEqual([]);
    story.now += 1;
    expect(story.run()).toEqual(['look-again k1 key-dropped']);
    expect(story.known.retirements).toEqual([]);
  });

  it('its key is not marked destroyed before that look', () => {
    const story = rotated();
    story.retire('k1', { purge: true });
    story.manifest = {
      ...story.known,
      keys: story.known.keys.map((key) => (key.kid === 'k1' ? { ...key, goneAt: story.now } : key)),
    };
    expect(story.run()).toEqual([]);
    story.blocked.add('look-again');
    story.now += 9 * DAY;
    expect(story.next).toBe('nothing');
    expect(story.run()).toEqual(['look-again k1 key-dropped', 'destroy k1 window-over']);
  });

  it('asked again it looks at once, and orders a deletion anew that was to be without a window', () => {
    const story = rotated();
    story.retire('k1');
    expect(story.retire('k1')).toEqual(['record-retirement k1 asked', 'look-again k1 key-dropped']);
    expect(story.retire('k1', { purge: true })).toEqual([
      'record-retirement k1 asked',
      'delete-secret k1 retired',
      'look-again k1 key-dropped',
    ]);
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
      ...backedOff(retirementLookedAt(story.known, 'k1', story.now), 'x', story.now),
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
