import { describe, expect, it } from 'vitest';
import { brokenInvariants } from '../../src/keyset/manifest/invariants.js';
import { backedOff, rolledBack, stage } from '../../src/keyset/transitions/all.js';
import { MINUTE, noKms, recordOnly } from './incidents.js';
import { DAY, HOUR, newKey, POLICY, RETIRE, rotated, START, settled, staged, switching } from './story.js';

describe('retiring the active key', () => {
  it('makes a replacement first, and waits for nothing but the gate', () => {
    const story = settled();
    expect(story.retire('k1')).toEqual([
      'record-retirement k1 asked',
      'generate - compromised',
      'write-outlets k2 new-key',
      'confirm-verifiers k2 new-key',
      'activate k2 published-long-enough',
      'write-outlets k2 switched',
      'confirm-signers k2 switched',
      'retire k1 compromised',
      'write-outlets - key-dropped',
      'delete-secret k1 retired',
      'confirm-drop k1 key-dropped',
    ]);
    expect(story.states).toBe('k1: retired, k2: active');
    expect(story.key('k1')).toMatchObject({ reason: 'compromised', retiredAt: story.now });
  });

  it('takes the pending key, whose rollout can not go back to it any more', () => {
    const story = staged();
    story.now += HOUR;
    recordOnly(story, 'k1');
    expect(story.known.rollout).toEqual({
      kid: 'k2',
      former: null,
      direction: 'forward',
      phase: 'ahead',
      startedAt: START + 89 * DAY,
      forced: true,
      immediate: true,
      signersAnswered: false,
    });
    expect(story.run()).toContain('activate k2 published-long-enough');
    expect(story.states).toBe('k1: retired, k2: active');
    expect(() => rolledBack(story.known, { policy: POLICY, at: story.now }, 'x')).toThrow('no former key');
  });

  it.each<[string, number, string]>([
    ['published', 1, 'publish'],
    ['confirmed', 2, 'verify'],
    ['old enough', 3, 'ahead'],
  ])('takes the pending key before it is %s too', (_, steps, phase) => {
    const story = settled();
    story.now = START + 89 * DAY;
    for (let i = 0; i < steps; i += 1) story.step();
    recordOnly(story, 'k1');
    expect(story.known.rollout).toMatchObject({ kid: 'k2', former: null, phase, immediate: true });
    story.run();
    expect(story.states).toBe('k1: retired, k2: active');
  });

  it('takes the key that is being created', () => {
    const story = settled();
    story.manifest = stage(story.known, newKey('k2'), { forced: false, immediate: false, former: 'k1' }, story.now);
    recordOnly(story, 'k1');
    expect(story.known.rollout).toMatchObject({ kid: 'k2', phase: 'store', former: null, immediate: true });
    expect(story.run()[0]).toBe('recover k2 interrupted');
    expect(story.states).toBe('k1: retired, k2: active');
  });

  it('makes another replacement when the one that was being created is lost', () => {
    const story = settled();
    story.secretStored = false;
    story.manifest = stage(story.known, newKey('k9'), { forced: false, immediate: false, former: 'k1' }, story.now);
    expect(story.retire('k1').slice(0, 3)).toEqual([
      'record-retirement k1 asked',
      'recover k9 interrupted',
      'generate - compromised',
    ]);
    expect(story.active).toBe('k2');
  });

  it('makes another replacement when that one must leave as well', () => {
    const story = staged();
    recordOnly(story, 'k1');
    recordOnly(story, 'k2');
    story.run();
    expect(story.states).toBe('k1: retired, k2: retired, k3: active');
  });

  it('makes a third key when the one it was leaving for must leave too, and keeps the former till signers are off', () => {
    const story = switching();
    recordOnly(story, 'k1');
    recordOnly(story, 'k2');
    expect(story.states).toBe('k1: deprecated, k2: active');
    const done = story.run();
    expect(done[0]).toBe('generate - compromised');
    expect(done.indexOf('retire k1 compromised')).toBeGreaterThan(done.indexOf('confirm-signers k3 switched'));
    expect(story.states).toBe('k1: retired, k2: retired, k3: active');
  });

  it('does not let the deadline of one key wait for that of another', () => {
    const story = switching();
    recordOnly(story, 'k1', { deadline: MINUTE });
    recordOnly(story, 'k2', { deadline: DAY });
    story.now += MINUTE;
    expect(story.next).toBe('retire k1 compromised');
  });
});

describe('retiring without a replacement', () => {
  it('publishes without the key at once, and an empty set if it was the last', () => {
    const story = settled();
    const done = story.retire('k1', { noReplacement: true });
    expect(done).toEqual([
      'record-retirement k1 asked',
      'write-outlets - key-dropped',
      'delete-secret k1 retired',
      'confirm-drop k1 key-dropped',
    ]);
    expect(story.holdings.map((holding) => holding.keys)).toEqual([[], null]);
    expect(story.states).toBe('k1: retired');
  });

  it('is what a second request can still ask for', () => {
    const story = settled();
    recordOnly(story, 'k1');
    noKms(story);
    story.request = { ...story.request, retire: { ...RETIRE, kid: 'k1', noReplacement: true } };
    story.step();
    expect(story.states).toBe('k1: retired');
    expect(story.known.retirements).toHaveLength(1);
  });

  it('ends a switch to that key or back to it: no signer could ever confirm it', () => {
    const forward = switching();
    recordOnly(forward, 'k2', { noReplacement: true });
    expect(forward.known.rollout).toBeNull();
    const back = switching();
    back.manifest = backedOff(rolledBack(back.known, { policy: POLICY, at: back.now }, 'x'), 'x', back.now);
    recordOnly(back, 'k1', { noReplacement: true });
    expect(back.known.rollout).toBeNull();
    expect(brokenInvariants(back.known)).toEqual([]);
    expect(back.states).toBe('k1: retired, k2: deprecated');
    expect(back.run()).toContain('generate - no-active-key');
  });

  it('lets the pending key go on, in its time', () => {
    const story = staged();
    story.retire('k1', { noReplacement: true });
    expect(story.known.rollout).toMatchObject({ kid: 'k2', former: null, immediate: false });
    expect(story.run()).toEqual([]);
    story.now += DAY;
    expect(story.run()[0]).toBe('activate k2 published-long-enough');
  });

  it('does not make a replacement for another key that left before', () => {
    const story = rotated();
    story.retire('k1');
    expect(story.known.retirements).toHaveLength(1);
    expect(story.retire('k2', { noReplacement: true }).join()).not.toContain('generate');
    expect(story.jwks).toEqual([]);
  });
});
