import { describe, expect, it } from 'vitest';
import { givenTo, withGiven } from '../../src/keyset/history/given-outlet.js';
import type { KeysetRecord } from '../../src/keyset/history/record.js';
import { stage, stored } from '../../src/keyset/transitions/all.js';
import { recordOnly } from './incidents.js';
import { JWKS, named, newKey, RETIRE, rotated, SECOND, settled } from './story.js';

/** k1 is being retired, and was the former key: it has left the JWKS. */
function leaving() {
  const story = rotated();
  recordOnly(story, 'k1');
  expect(story.states).toBe('k1: retired, k2: active');
  story.blocked.add('outlets');
  return story;
}

describe('an outlet that can not be written in an incident', () => {
  it('keeps no verifier from being asked: it may read another one', () => {
    const story = leaving();
    expect(story.next).toBe('delete-secret k1 retired');
    story.step();
    expect(story.next).toBe('confirm-drop k1 key-dropped');
  });

  it('still does where it is no incident', () => {
    const story = leaving();
    story.step();
    story.manifest = { ...story.known, retirements: [] };
    expect(story.next).toBe('nothing');
  });

  it('is tried again when all else is done, until the deadline, where somebody holds it up', () => {
    const story = leaving();
    story.step();
    story.blocked.add('drop');
    expect(story.next).toBe('nothing');
    story.blocked.add('held');
    expect(story.next).toBe('await-deadline k1 compromised');
    story.now += 120 * SECOND;
    expect(story.next).not.toBe('await-deadline k1 compromised');
  });

  it('is written again although its file is as it should be: its URL may lag behind', () => {
    const story = rotated();
    recordOnly(story, 'k1');
    story.run();
    const { next } = story;
    expect(next).not.toMatch(/^write-outlets/);
    story.blocked.add('held');
    expect(story.next).toMatch(/^write-outlets/);
  });

  it.each(['pending', 'creating'])(
    'is held once though it does not hold the key (%s): another run may be about to write it',
    (state) => {
      const story = settled();
      story.manifest = stage(story.known, newKey('k2'), { forced: true, immediate: false, former: 'k1' }, story.now);
      if (state === 'pending') story.manifest = stored(story.known, 'k2', null, story.now);
      expect(story.jwks).toEqual(state === 'pending' ? ['k1', 'k2'] : ['k1']);
      recordOnly(story, 'k2');
      expect(story.step()).toBe('write-outlets - key-dropped');
      expect(story.step()).toBe('delete-secret k2 retired');
      // Killed; the next run can't know.
      story.fenced = new Set();
      expect(story.run()).toEqual(['write-outlets - key-dropped', 'confirm-drop k2 key-dropped']);
      expect(story.run()).toEqual([]);
    },
  );

  it('is left with a key that nobody knows also when the incident ends with this very run', () => {
    const story = rotated();
    story.holdings = [{ ...JWKS, intact: false, keys: [named(story.known, 'k2'), named(null, 'mallory')] }];
    story.request = { ...story.request, retire: { ...RETIRE, kid: 'k1' }, incidentOnly: true };
    story.step();
    story.manifest = { ...story.known, retirements: [] };
    story.request = { ...story.request, retire: null };
    expect(story.next).not.toMatch(/refused/);
    story.request = { ...story.request, incidentOnly: false };
    expect(story.next).toBe('refused unknown-keys');
  });
});

describe('what a host remembers to have given its outlets', () => {
  const record: KeysetRecord = { keyset: 'api', lineage: 'l', revision: 3, commit: 'c', retired: [], outlets: [] };

  it('is the newest of each', () => {
    const one = withGiven(record, { outlet: '/a', sha256: '1' });
    const two = withGiven(one, { outlet: '/b', sha256: '2' });
    const three = withGiven(two, { outlet: '/a', sha256: '3' });
    expect(three?.outlets).toEqual([
      { outlet: '/b', sha256: '2' },
      { outlet: '/a', sha256: '3' },
    ]);
    expect(givenTo(three, '/a')).toEqual({ outlet: '/a', sha256: '3' });
    expect(givenTo(three, '/c')).toBeNull();
    expect(givenTo(null, '/a')).toBeNull();
  });

  it('is not written where nothing changes', () => {
    const one = withGiven(record, { outlet: '/a', sha256: '1' });
    expect(withGiven(one, { outlet: '/a', sha256: '1' })).toBe(one);
    expect(withGiven(record, { outlet: '/never', sha256: null })).toBe(record);
    expect(withGiven(one, { outlet: '/a', sha256: null })?.outlets).toEqual([{ outlet: '/a', sha256: null }]);
    expect(withGiven(null, { outlet: '/a', sha256: '1' })).toBeNull();
  });
});
