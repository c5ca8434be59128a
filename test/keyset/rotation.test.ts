import { describe, expect, it } from 'vitest';
import type { Staging } from '../../src/keyset/manifest/model.js';
import { withParts } from '../support/manifest.js';
import { DAY, HOUR, POLICY, START, Story, settled, staged } from './story.js';

describe('the first key', () => {
  it('of a history that was recovered is published ahead: a cache may hold a set from before', () => {
    const story = new Story();
    story.step();
    story.manifest = { ...story.known, formerLineages: ['lost'] };
    expect(story.run()).toEqual(['write-outlets k1 new-key', 'confirm-verifiers k1 new-key']);
    story.now += DAY;
    expect(story.run()[0]).toBe('activate k1 published-long-enough');
  });

  it('is generated, published, confirmed, activated and confirmed in one run', () => {
    const story = new Story();
    expect(story.run()).toEqual([
      'generate - first-key',
      'write-outlets k1 new-key',
      'confirm-verifiers k1 new-key',
      'activate k1 published-long-enough',
      'write-outlets k1 switched',
      'confirm-signers k1 switched',
    ]);
    expect(story.states).toBe('k1: active');
    expect(story.known.rollout).toBeNull();
    expect(story.key('k1')).toMatchObject({ publishedAt: START, activatedAt: START, signedFrom: START, version: 1 });
  });

  it('leaves nothing to do until the next is due', () => {
    const story = settled();
    for (const now of [START, START + DAY, START + 89 * DAY - 1]) {
      story.now = now;
      expect(story.next).toBe('nothing');
    }
  });
});

describe('staging', () => {
  it('happens when the age reaches rotateEvery - publishAhead, not a millisecond earlier', () => {
    const story = settled();
    story.now = START + 89 * DAY - 1;
    expect(story.run()).toEqual([]);
    story.now += 1;
    expect(story.run()).toEqual(['generate - age', 'write-outlets k2 new-key', 'confirm-verifiers k2 new-key']);
    expect(story.states).toBe('k1: active, k2: pending');
    expect(story.known.rollout).toMatchObject({ phase: 'ahead', former: 'k1', forced: false, immediate: false });
  });

  it('keeps the algorithm in use, whatever the configuration says by now', () => {
    const story = settled();
    story.policy = { ...POLICY, alg: 'Ed25519' };
    story.now = START + 89 * DAY;
    story.run();
    expect(story.key('k2').alg).toBe('ES256');
  });
});

describe('activation', () => {
  it('waits until the old key is as old as rotateEvery', () => {
    const story = staged();
    story.now = START + 90 * DAY - 1;
    expect(story.run()).toEqual([]);
    story.now += 1;
    expect(story.run()).toEqual([
      'activate k2 published-long-enough',
      'write-outlets k2 switched',
      'confirm-signers k2 switched',
    ]);
    expect(story.states).toBe('k1: deprecated, k2: active');
  });

  it('waits for publishAhead from when the JWKS was read back and verifiers confirmed, not from when it was ordered', () => {
    const story = settled();
    story.now = START + 89 * DAY;
    story.step(); // generate
    story.now += 5 * HOUR;
    story.step(); // written and read back
    story.now += 3 * HOUR;
    story.step(); // confirmed
    const confirmedAt = story.now;
    expect(story.key('k2')).toMatchObject({ publishedAt: confirmedAt - 3 * HOUR, confirmedAt });
    story.now = confirmedAt + DAY - 1;
    expect(story.next).toBe('nothing');
    story.now += 1;
    expect(story.next).toBe('activate k2 published-long-enough');
  });

  it('waits until no slow reload can bring back a set from before the key, where publishAhead is shorter than that', () => {
    const story = settled();
    story.policy = { ...story.policy, publishAhead: HOUR + 60_000 };
    story.now = START + DAY;
    story.run({ force: true });
    // jwksMaxAge + clockSkew + slowestReload
    story.now += HOUR + 180_000 - 1;
    expect(story.next).toBe('nothing');
    story.now += 1;
    expect(story.next).toBe('activate k2 published-long-enough');
  });

  it('waits for none where nothing need be published ahead', () => {
    const story = settled();
    story.policy = { ...story.policy, publishAhead: 0, jwksMaxAge: 0 };
    story.now = START + DAY;
    expect(story.run({ force: true })).toContain('activate k2 published-long-enough');
  });

  it('does not wait for the age when it was forced, but for publishAhead', () => {
    const story = settled();
    story.now = START + DAY;
    expect(story.run({ force: true })[0]).toBe('generate - forced');
    story.now += DAY - 1;
    expect(story.run({ force: true })).toEqual([]);
    story.now += 1;
    expect(story.run()[0]).toBe('activate k2 published-long-enough');
  });

  it('does not wait at all when it is to be immediate, but passes the gate', () => {
    const story = settled();
    expect(story.run({ force: true, immediate: true })).toEqual([
      'generate - immediate',
      'write-outlets k2 new-key',
      'confirm-verifiers k2 new-key',
      'activate k2 published-long-enough',
      'write-outlets k2 switched',
      'confirm-signers k2 switched',
    ]);
  });

  it('is hurried where it is under way already', () => {
    const story = staged();
    expect(story.run({ force: true })).toEqual(['expedite k2 forced']);
    expect(story.next).toBe('nothing');
    story.now += HOUR;
    expect(story.run({ force: true, immediate: true }).slice(0, 2)).toEqual([
      'expedite k2 immediate',
      'activate k2 published-long-enough',
    ]);
    expect(story.states).toBe('k1: deprecated, k2: active');
  });

  it('is at once for the first key alone: a key that was in the JWKS before may be in a cache', () => {
    const story = new Story();
    story.step();
    story.write(); // published, and killed before it was read back
    story.retire('k1', { noReplacement: true });
    expect(story.key('k1').publishedAt).toBeNull();
    expect(story.run()).toEqual(['generate - first-key', 'write-outlets k2 new-key', 'confirm-verifiers k2 new-key']);
    story.now += DAY;
    expect(story.run()[0]).toBe('activate k2 published-long-enough');
  });

  it('is at once after a first attempt that nobody ever saw', () => {
    const story = new Story();
    story.secretStored = false;
    story.step();
    story.manifest = {
      ...withParts(story.known, 'k1', { state: 'creating' }),
      rollout: { ...(story.known.rollout as Staging), phase: 'store' },
    };
    expect(story.run()).toContain('recover k1 interrupted');
    expect(story.active).toBe('k2');
  });
});
