import { describe, expect, it } from 'vitest';
import { mostKeys } from '../../src/keyset/basics/policy.js';
import type { Staging } from '../../src/keyset/manifest/model.js';
import { unused } from '../../src/keyset/transitions/staging.js';
import { withParts } from '../support/manifest.js';
import { DAY, HOUR, newKey, POLICY, rotated, SECOND, START, Story, settled, staged } from './story.js';

describe('the keys in the JWKS', () => {
  it('are never more than the policy allows for, however long it goes on', () => {
    const policy = { rotateEvery: 2 * DAY, maxKeys: 7 };
    const story = settled(policy);
    expect(mostKeys(story.policy)).toBe(7);
    let most = 0;
    for (let hour = 0; hour < 120 * 24; hour += 1) {
      story.now += HOUR;
      expect(story.run().join()).not.toContain('refused');
      most = Math.max(most, story.jwks.length);
    }
    expect(most).toBe(6);
    expect(story.known.keys.filter((key) => key.state === 'destroyed').length).toBeGreaterThan(40);
  });

  it('make room by expiring before more are refused', () => {
    const story = rotated({ maxKeys: 2 });
    story.now += POLICY.verifyFor;
    expect(story.run({ force: true })).toEqual(['refused too-many-keys']);
    story.now += 60 * SECOND;
    expect(story.run({ force: true }).slice(0, 5)).toEqual([
      'retire k1 expired',
      'write-outlets - key-dropped',
      'delete-secret k1 retired',
      'confirm-drop k1 key-dropped',
      'generate - forced',
    ]);
  });

  it('say when there are too many', () => {
    const story = rotated({ maxKeys: 2 });
    story.request = { ...story.request, force: true };
    expect(story.decide()).toEqual({
      type: 'refused',
      refusal: {
        code: 'too-many-keys',
        message: 'keyset api has 2 keys in its JWKS, one more would exceed maxKeys 2; nothing was changed',
        hint: 'wait until the oldest expires (jwtrot status tells when), or raise maxKeys',
      },
    });
  });
});

describe('a change of the algorithm', () => {
  const change = { alg: 'Ed25519' } as const;

  it('waits until it is asked for, then goes its way like any rotation', () => {
    const story = settled();
    story.policy = { ...story.policy, ...change };
    expect(story.run()).toEqual([]);
    expect(story.run({ changeAlg: true })).toEqual([
      'generate - algorithm-changed',
      'write-outlets k2 new-key',
      'confirm-verifiers k2 new-key',
    ]);
    expect(story.key('k2').alg).toBe('Ed25519');
    expect(story.run({ changeAlg: true })).toEqual([]);
    story.now += DAY;
    expect(story.run()[0]).toBe('activate k2 published-long-enough');
    expect(story.run({ changeAlg: true })).toEqual([]);
  });

  it('takes the place of a key that is staged with the old one', () => {
    const story = staged();
    story.policy = { ...story.policy, ...change };
    expect(story.run({ changeAlg: true }).filter((one) => !one.includes('write-outlets'))).toEqual([
      'retire k2 superseded',
      'delete-secret k2 retired',
      'confirm-drop k2 key-dropped',
      'generate - algorithm-changed',
      'confirm-verifiers k3 new-key',
    ]);
    expect(story.key('k2')).toMatchObject({ state: 'retired', reason: 'superseded' });
    expect(story.key('k3').alg).toBe('Ed25519');
  });

  it('keeps its haste for the key that takes the place', () => {
    const story = staged();
    story.policy = { ...story.policy, ...change };
    const done = story.run({ changeAlg: true, force: true, immediate: true });
    expect(done[0]).toBe('retire k2 superseded');
    expect(story.active).toBe('k3');
  });
});

describe('a run that died', () => {
  it('goes on from every point, and does nothing twice', () => {
    const whole = rotated();
    for (let killed = 0; killed < 7; killed += 1) {
      const story = settled();
      story.now = START + 89 * DAY;
      for (let i = 0; i < Math.min(killed, 3); i += 1) story.step();
      story.run();
      story.now = START + 90 * DAY;
      for (let i = 3; i < killed; i += 1) story.step();
      story.run();
      expect(story.states).toBe(whole.states);
      expect(story.known.keys.map((key) => key.activatedAt)).toEqual(whole.known.keys.map((key) => key.activatedAt));
    }
  });

  it('between naming a key and storing it goes on with the key if its secret is there', () => {
    const story = new Story();
    story.step();
    story.manifest = {
      ...withParts(story.known, 'k1', { state: 'creating' }),
      rollout: { ...(story.known.rollout as Staging), phase: 'store' },
    };
    expect(story.run()[0]).toBe('recover k1 interrupted');
    expect(story.states).toBe('k1: active');
  });

  it('does not hold up the rest while its key can neither be read nor given up', () => {
    const story = settled();
    story.manifest = { ...story.known, keys: [...story.known.keys, unused(newKey('k9'), 2, story.now)] };
    expect(story.next).toBe('recover k9 interrupted');
    story.blocked.add('key k9');
    expect(story.next).toBe('nothing');
  });
});
