import { describe, expect, it } from 'vitest';
import { backedOff, rolledBack, stage } from '../../src/keyset/transitions/all.js';
import { recordOnly } from './incidents.js';
import { DAY, newKey, POLICY, rotated, SECOND, START, Story, settled, staged, switching } from './story.js';

describe('retiring a pending key', () => {
  it('ends its rollout and its publication, and touches the active key not at all', () => {
    const story = staged();
    expect(story.retire('k2')).toEqual([
      'record-retirement k2 asked',
      'write-outlets - key-dropped',
      'delete-secret k2 retired',
      'confirm-drop k2 key-dropped',
    ]);
    expect(story.states).toBe('k1: active, k2: retired');
    expect(story.key('k2').reason).toBe('compromised');
    expect(story.known.rollout).toBeNull();
  });

  it('is settled by its first commit: nothing activates it any more (trace 6)', () => {
    const story = staged();
    story.now = START + 90 * DAY;
    recordOnly(story, 'k2');
    expect(story.key('k2').state).toBe('retired');
    const later = story.run();
    expect(later.join()).not.toContain('activate k2');
    expect(story.active).toBe('k1');
  });

  it('stages another one when one is due, in a run that is not for the incident alone', () => {
    const story = staged();
    story.retire('k2');
    expect(story.run()[0]).toBe('generate - age');
  });

  it('makes another one when it was the only key there is: a JWKS never becomes empty unasked', () => {
    const story = new Story();
    for (let i = 0; i < 2; i += 1) story.step();
    expect(story.jwks).toEqual(['k1']);
    expect(story.retire('k1')).toEqual([
      'record-retirement k1 asked',
      'generate - compromised',
      'write-outlets k2 new-key',
      'confirm-verifiers k2 new-key',
      'activate k2 published-long-enough',
      'write-outlets k2 switched',
      'confirm-signers k2 switched',
      'delete-secret k1 retired',
      'confirm-drop k1 key-dropped',
    ]);
    expect(story.states).toBe('k1: retired, k2: active');
  });
});

describe('retiring a key that is being created', () => {
  it('gives it up, and deletes its secret again after the former lease', () => {
    const story = settled();
    story.manifest = stage(story.known, newKey('k2'), { forced: false, immediate: false, former: 'k1' }, story.now);
    expect(story.retire('k2').slice(0, 3)).toEqual([
      'record-retirement k2 asked',
      'write-outlets - key-dropped',
      'delete-secret k2 retired',
    ]);
    expect(story.key('k2')).toMatchObject({ state: 'retired', deleteAgainAt: story.now + 60 * SECOND });
    expect(story.known.rollout).toBeNull();
    story.now += 60 * SECOND;
    expect(story.run()[0]).toBe('delete-secret k2 put-in-flight');
  });
});

describe('retiring a deprecated key', () => {
  it('ends its publication at once when nobody signs with it', () => {
    const story = rotated();
    expect(story.retire('k1')[0]).toBe('record-retirement k1 asked');
    expect(story.states).toBe('k1: retired, k2: active');
    expect(story.jwks).toEqual(['k2']);
  });

  it('waits for signers that may still use it, but for nothing after that (trace 5)', () => {
    const story = switching();
    recordOnly(story, 'k1');
    expect(story.states).toBe('k1: deprecated, k2: active');
    expect(story.known.rollout?.former).toBeNull();
    // Killed. The timer's run finishes the rotation, and the incident with it.
    expect(story.run()).toEqual([
      'confirm-signers k2 switched',
      'retire k1 compromised',
      'write-outlets - key-dropped',
      'delete-secret k1 retired',
      'confirm-drop k1 key-dropped',
    ]);
    expect(story.jwks).toEqual(['k2']);
  });

  it('waits no longer than its deadline', () => {
    const story = switching();
    recordOnly(story, 'k1');
    story.now += 120 * SECOND - 1;
    expect(story.next).toBe('confirm-signers k2 switched');
    story.now += 1;
    expect(story.next).toBe('retire k1 compromised');
  });

  it('waits no longer either once waiting has proved vain', () => {
    const story = switching();
    recordOnly(story, 'k1');
    story.blocked.add('rollout');
    expect(story.next).toBe('retire k1 compromised');
    story.step();
    // Signers are still on their way to k2.
    expect(story.known.rollout).toMatchObject({ kid: 'k2', former: null, phase: 'switch' });
  });

  it('tries outlets again until the deadline, since without them no signer gets off it', () => {
    const story = switching();
    recordOnly(story, 'k1');
    story.blocked.add('outlets');
    expect(story.next).toBe('await-deadline k1 compromised');
    story.now += 120 * SECOND;
    expect(story.next).toBe('retire k1 compromised');
  });

  it('that a rollback is leaving ends when the signers are back, or at the deadline', () => {
    const [story, late] = [0, 1].map(() => {
      const one = switching();
      one.manifest = backedOff(rolledBack(one.known, { policy: POLICY, at: one.now }, 'x'), 'x', one.now);
      recordOnly(one, 'k2');
      expect(one.key('k2').state).toBe('deprecated');
      return one;
    }) as [Story, Story];
    expect(story.run().slice(0, 3)).toEqual([
      'write-outlets k2 rolled-back',
      'confirm-signers k1 rolled-back',
      'retire k2 compromised',
    ]);
    late.now += 120 * SECOND;
    expect(late.step()).toBe('retire k2 compromised');
    expect(late.run()).toContain('confirm-signers k1 rolled-back');
    expect(late.active).toBe('k1');
  });
});
