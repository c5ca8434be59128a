import { describe, expect, it } from 'vitest';
import type { Staging } from '../../src/keyset/manifest/model.js';
import { verifiesUntil } from '../../src/keyset/questions/due.js';
import { withParts } from '../support/manifest.js';
import { DAY, HOUR, POLICY, rotated, SECOND, START, settled, switching } from './story.js';

describe('the switch', () => {
  it('starts the clock of the old key when the last signer has confirmed, not when it was ordered', () => {
    const story = switching();
    expect(story.key('k1')).toMatchObject({ state: 'deprecated', deprecatedAt: story.now, signedUntil: null });
    story.now += 2 * HOUR;
    expect(story.step()).toBe('confirm-signers k2 switched');
    expect(story.key('k1').signedUntil).toBe(story.now);
    expect(story.known.rollout).toBeNull();
  });

  it('does not start it before the last reload can have taken effect', () => {
    const story = switching();
    story.reloadsUntil = story.now + 120 * SECOND;
    story.step();
    expect(story.key('k1').signedUntil).toBe(story.now + 120 * SECOND);
  });

  it('looks at signers once more when an earlier reload could have brought the old key back', () => {
    const story = switching();
    story.mayReturn = true;
    expect(story.step()).toBe('confirm-signers k2 switched');
    expect(story.key('k1').signedUntil).toBeNull();
    expect(story.known.rollout).toBeNull();
    story.manifest = { ...story.known, reloadsUntil: story.now + HOUR };
    story.now += HOUR - 1;
    expect(story.next).toBe('nothing');
    story.now += 1;
    expect(story.run()).toEqual(['confirm-signers k2 interrupted']);
    expect(story.key('k1').signedUntil).toBe(story.now);
  });

  it('never stages, expires or rolls out anything else until signers have confirmed', () => {
    const story = switching();
    story.blocked.add('rollout');
    story.now += 365 * DAY;
    expect(story.next).toBe('nothing');
    expect(verifiesUntil(story.key('k1'), story.policy)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('expiry', () => {
  const until = START + 90 * DAY + 8 * DAY + 60 * SECOND;

  it('comes exactly at signedUntil + verifyFor + clockSkew', () => {
    const story = rotated();
    story.now = until - 1;
    expect(story.run()).toEqual([]);
    story.now = until;
    expect(story.run()).toEqual([
      'retire k1 expired',
      'write-outlets - key-dropped',
      'delete-secret k1 retired',
      'confirm-drop k1 key-dropped',
    ]);
    expect(story.key('k1')).toMatchObject({ state: 'retired', reason: 'expired', droppedAt: until });
    expect(story.jwks).toEqual(['k2']);
  });

  it('is not brought forward by a policy that became shorter since', () => {
    const story = rotated();
    story.policy = { ...POLICY, maxTokenTtl: HOUR, verifyFor: DAY };
    story.now = until - 1;
    expect(story.run()).toEqual([]);
    story.now = until;
    expect(story.run()[0]).toBe('retire k1 expired');
  });

  it('is put off by a policy that became longer while the key signed', () => {
    const story = settled();
    story.policy = { ...POLICY, maxTokenTtl: 20 * DAY, verifyFor: 21 * DAY };
    expect(story.run()).toEqual(['record-policy k1 policy-longer']);
    story.policy = POLICY;
    story.now = START + DAY;
    story.run({ force: true, immediate: true });
    story.now += 21 * DAY + 60 * SECOND - 1;
    expect(story.run()).toEqual(['confirm-verifiers k2 caches-over']);
    story.now += 1;
    expect(story.run()[0]).toBe('retire k1 expired');
  });

  it('is put off by a policy that becomes longer while an unpolled signer may still use the key', () => {
    const story = rotated();
    const longer = { ...POLICY, maxTokenTtl: 20 * DAY, verifyFor: 21 * DAY };
    story.now += POLICY.signerMaxAge + POLICY.clockSkew - 1;
    story.policy = longer;
    story.run();
    expect(story.key('k1').verifyFor).toBe(21 * DAY);
    const later = rotated();
    later.now += POLICY.signerMaxAge + POLICY.clockSkew;
    later.policy = longer;
    later.run();
    expect(later.key('k1').verifyFor).toBe(POLICY.verifyFor);
    expect(later.key('k2').verifyFor).toBe(21 * DAY);
  });

  it('is put off by the policy that holds at the switch and at its confirmation', () => {
    const story = settled();
    story.policy = { ...POLICY, verifyFor: 9 * DAY };
    for (let i = 0, request = { ...story.request, force: true, immediate: true }; i < 5; i += 1) {
      story.request = i === 0 ? request : story.request;
      story.step();
    }
    expect(story.key('k1').verifyFor).toBe(9 * DAY);
    story.policy = { ...POLICY, verifyFor: 10 * DAY };
    expect(story.step()).toBe('confirm-signers k2 switched');
    expect(story.key('k1')).toMatchObject({ maxTokenTtl: 7 * DAY, verifyFor: 10 * DAY });
  });

  it('is put off by a policy that was longer for a while before the last signer confirmed', () => {
    const story = switching();
    story.blocked.add('rollout');
    story.policy = { ...POLICY, verifyFor: 12 * DAY };
    expect(story.step()).toBe('record-policy k2 policy-longer');
    expect(story.next).toBe('nothing');
    story.policy = POLICY;
    story.run();
    expect(story.key('k1').verifyFor).toBe(12 * DAY);
  });

  it('deletes the secret at once and marks the key destroyed when it is gone', () => {
    const story = rotated();
    story.now = until;
    story.run();
    expect(story.key('k1').goneAt).toBe(until + 7 * DAY);
    story.now = until + 7 * DAY - 1;
    expect(story.run()).toEqual([]);
    story.now += 1;
    expect(story.run()).toEqual(['destroy k1 window-over']);
    expect(story.key('k1')).toMatchObject({ state: 'destroyed', destroyedAt: story.now, publicJwk: null });
    expect(story.next).toBe('nothing');
  });

  it('does not mark a key destroyed that a verifier may still accept', () => {
    const story = rotated();
    story.now = until;
    for (let i = 0; i < 3; i += 1) story.step();
    story.blocked.add('drop');
    story.now += 8 * DAY;
    expect(story.next).toBe('nothing');
    expect(story.run()).toEqual(['confirm-drop k1 key-dropped', 'destroy k1 window-over']);
  });

  it('deletes a secret once more when its put may have been in flight', () => {
    const story = settled();
    story.now = START + 89 * DAY;
    story.secretStored = false;
    story.step();
    story.manifest = {
      ...withParts(story.known, 'k2', { state: 'creating' }),
      rollout: { ...(story.known.rollout as Staging), phase: 'store' },
    };
    // It was never published: no verifier has to drop it.
    expect(story.run().slice(0, 3)).toEqual(['recover k2 interrupted', 'delete-secret k2 retired', 'generate - age']);
    expect(story.key('k2')).toMatchObject({
      state: 'retired',
      reason: 'failed',
      deleteAgainAt: story.now + 60 * SECOND,
    });
    // Gone for good before that, it is not marked as destroyed yet: its put may still land.
    story.manifest = withParts(story.known, 'k2', { goneAt: story.now });
    expect(story.next).toBe('nothing');
    story.now += 60 * SECOND;
    expect(story.run()).toEqual(['delete-secret k2 put-in-flight']);
    expect(story.key('k2').deleteAgainAt).toBeNull();
  });
});
