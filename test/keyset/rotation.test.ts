import { describe, expect, it } from 'vitest';
import { verifiesUntil } from '../../src/keyset/due.js';
import { mostKeys } from '../../src/keyset/policy.js';
import { DAY, HOUR, newKey, POLICY, rotated, SECOND, START, Story, settled, staged, switching } from './story.js';

describe('the first key', () => {
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
      'generate - forced',
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
      'expedite k2 forced',
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
      ...story.known,
      keys: story.known.keys.map((key) => ({ ...key, state: 'creating' })),
      rollout: { ...story.known.rollout!, phase: 'store' },
    };
    expect(story.run()).toContain('recover k1 interrupted');
    expect(story.active).toBe('k2');
  });
});

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
    expect(story.run()).toEqual([]);
    story.now += 1;
    expect(story.run()[0]).toBe('retire k1 expired');
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
      ...story.known,
      keys: story.known.keys.map((key) => (key.kid === 'k2' ? { ...key, state: 'creating' } : key)),
      rollout: { ...story.known.rollout!, phase: 'store' },
    };
    expect(story.run().slice(0, 3)).toEqual([
      'recover k2 interrupted',
      'delete-secret k2 retired',
      'confirm-drop k2 key-dropped',
    ]);
    expect(story.key('k2')).toMatchObject({
      state: 'retired',
      reason: 'failed',
      deleteAgainAt: story.now + 60 * SECOND,
    });
    story.now += 60 * SECOND;
    expect(story.run()).toEqual(['delete-secret k2 put-in-flight']);
    expect(story.key('k2').deleteAgainAt).toBeNull();
  });
});

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
      ...story.known,
      keys: [{ ...story.key('k1'), state: 'creating' }],
      rollout: { ...story.known.rollout!, phase: 'store' },
    };
    expect(story.run()[0]).toBe('recover k1 interrupted');
    expect(story.states).toBe('k1: active');
  });

  it('does not hold up the rest while its key can neither be read nor given up', () => {
    const story = settled();
    story.manifest = {
      ...story.known,
      keys: [
        ...story.known.keys,
        {
          ...story.key('k1'),
          ...newKey('k9'),
          version: 2,
          state: 'creating',
          activatedAt: null,
          signedFrom: null,
          publishedAt: null,
        },
      ],
    };
    expect(story.next).toBe('recover k9 interrupted');
    story.blocked.add('key k9');
    expect(story.next).toBe('nothing');
  });
});
