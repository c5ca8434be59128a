import { describe, expect, it } from 'vitest';
import { brokenInvariants } from '../../src/keyset/manifest/invariants.js';
import { wasGivenUp } from '../../src/keyset/questions/given-up.js';
import { adopted, adoptedPublic, adoptionStarted, isBeingAdopted } from '../../src/keyset/transitions/adoption.js';
import { emptyManifest, givenUp } from '../../src/keyset/transitions/all.js';
import { DAY, newKey, POLICY, RETIRE, SECOND, START, Story, settled, staged } from './story.js';

const OLD = { ...newKey('old'), kid: 'legacy-2019' };

function imported(): Story {
  const story = new Story();
  const started = adoptionStarted(emptyManifest('api'), OLD, START);
  expect(started.keys[0]).toMatchObject({ kid: 'legacy-2019', state: 'creating' });
  story.manifest = adopted(started, 'legacy-2019', { policy: POLICY, at: START }, null);
  return story;
}

describe('a key that is imported', () => {
  it('is active, as it was before jwtrot', () => {
    const { known } = imported();
    expect(brokenInvariants(known)).toEqual([]);
    expect(known.rollout).toBeNull();
    expect(known.keys[0]).toMatchObject({
      state: 'active',
      activatedAt: START,
      signedFrom: START,
      publishedAt: START,
      maxTokenTtl: POLICY.maxTokenTtl,
      verifyFor: POLICY.verifyFor,
    });
    expect(known.events.map((event) => event.type)).toEqual(['staged', 'imported']);
  });

  it('is written to outlets and rotated in its turn, with the publishAhead that a first key needs not', () => {
    const story = imported();
    expect(story.run()).toEqual([
      'note-outlets - outlets-differ',
      'write-outlets - outlets-differ',
      'refresh-services - outlets-differ',
    ]);
    story.now = START + 89 * DAY;
    expect(story.run()[0]).toBe('generate - age');
    expect(story.run()).toEqual([]);
    story.now += DAY;
    expect(story.run()[0]).toBe('activate k1 published-long-enough');
    expect(story.states).toBe('legacy-2019: deprecated, k1: active');
  });

  it('goes on like a key of our own when the import was killed before its end', () => {
    const story = new Story();
    story.manifest = adoptionStarted(emptyManifest('api'), OLD, START);
    expect(story.run()[0]).toBe('recover legacy-2019 interrupted');
    expect(story.states).toBe('legacy-2019: active');
  });

  it('is not adopted twice, nor beside an active key', () => {
    const { known } = imported();
    expect(adopted(known, 'legacy-2019', { policy: POLICY, at: START + 1 }, null)).toBe(known);
    const other = settled().known;
    const started = adoptionStarted(other, OLD, START);
    expect(adopted(started, 'legacy-2019', { policy: POLICY, at: START }, null)).toBe(started);
  });

  it('waits for a rollout under way', () => {
    expect(() => adoptionStarted(staged().known, OLD, START)).toThrow(
      'keyset api has a rollout of k2 under way; nothing was changed',
    );
  });

  it('is not given up when its secret was never stored, but by an operator', () => {
    const story = new Story();
    story.manifest = adoptionStarted(emptyManifest('api'), OLD, START);
    expect(isBeingAdopted(story.key('legacy-2019'))).toBe(true);
    expect(wasGivenUp(givenUp(story.known, 'legacy-2019', START, START).keys[0]!)).toBe(false);
    story.retire('legacy-2019');
    expect(story.key('legacy-2019')).toMatchObject({ state: 'retired', reason: 'compromised' });
  });

  it('is never imported again once it was retired for a reason, whatever the reason is called', () => {
    const story = imported();
    story.retire('legacy-2019', { ...RETIRE, reason: 'failed' });
    expect(() => adoptionStarted({ ...story.known, rollout: null }, OLD, story.now)).toThrow('never used again');
    const pending = staged();
    pending.retire('k2', { reason: 'failed' });
    expect(() => adoptionStarted(pending.known, newKey('k2'), pending.now)).toThrow('never used again');
  });
});

describe('a public half that is imported', () => {
  it('only verifies; beside an active key its time is counted at once', () => {
    const story = settled();
    story.manifest = adoptedPublic(story.known, { ...OLD, hasPrivate: false }, { policy: POLICY, at: START });
    expect(brokenInvariants(story.known)).toEqual([]);
    expect(story.key('legacy-2019')).toMatchObject({ state: 'deprecated', signedUntil: START, hasPrivate: false });
    story.run();
    // Until then a verifier could read a copy without it.
    story.now = story.known.verifiersOwedAt!;
    expect(story.run()).toEqual(['refresh-services - caches-over']);
    story.now = START + 8 * DAY + 60 * SECOND - 1;
    expect(story.run()).toEqual([]);
    story.now += 1;
    expect(story.run()).toEqual([
      'retire legacy-2019 expired',
      'write-outlets - key-dropped',
      'confirm-drop legacy-2019 key-dropped',
      'destroy legacy-2019 window-over',
    ]);
  });

  it('has verifiers read it, whoever writes the outlets: a sync may come first', () => {
    const story = settled();
    story.manifest = adoptedPublic(story.known, { ...OLD, hasPrivate: false }, { policy: POLICY, at: START });
    story.write();
    expect(story.run()).toContain('refresh-services - outlets-differ');
    expect(story.known.verifiersOwedAt).not.toBeNull();
  });

  it('may be in use until signers have confirmed a key of ours', () => {
    const story = new Story();
    story.manifest = adoptedPublic(emptyManifest('api'), { ...OLD, hasPrivate: false }, { policy: POLICY, at: START });
    expect(story.key('legacy-2019').signedUntil).toBeNull();
    story.now += 30 * DAY;
    const done = story.run();
    expect(done).toContain('generate - no-active-key');
    expect(done.join()).not.toContain('activate');
    story.now += DAY;
    story.run();
    expect(story.key('legacy-2019').signedUntil).toBe(story.now);
    expect(story.active).toBe('k1');
  });

  it('is looked at once more when an earlier reload could have brought it back', () => {
    const story = new Story();
    story.manifest = adoptedPublic(emptyManifest('api'), { ...OLD, hasPrivate: false }, { policy: POLICY, at: START });
    story.run();
    story.now += DAY;
    story.mayReturn = true;
    while (story.step() !== 'confirm-signers k1 switched');
    expect(story.key('legacy-2019').signedUntil).toBeNull();
    story.manifest = { ...story.known, reloadsUntil: story.now + DAY };
    expect(story.next).toBe('nothing');
    story.now += DAY;
    expect(story.run()).toEqual(['confirm-signers k1 interrupted']);
    expect(story.key('legacy-2019').signedUntil).toBe(story.now);
  });

  it('is never made active', () => {
    const story = new Story();
    story.manifest = adoptedPublic(emptyManifest('api'), { ...OLD, hasPrivate: false }, { policy: POLICY, at: START });
    expect(story.retire('legacy-2019')).toContain('generate - compromised');
    expect(story.states).toBe('legacy-2019: retired, k1: active');
  });
});
