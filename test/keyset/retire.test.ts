import { describe, expect, it } from 'vitest';
import { retirementLookedAt } from '../../src/keyset/incident.js';
import { backedOff, givenUp, retired, rolledBack, stage } from '../../src/keyset/transitions.js';
import {
  DAY,
  HOUR,
  newKey,
  POLICY,
  RETIRE,
  rotated,
  SECOND,
  START,
  Story,
  settled,
  staged,
  switching,
} from './story.js';

const MINUTE = 60 * SECOND;

/** Records the request and no more: the run is killed after its first commit. */
function recordOnly(story: Story, kid: string, changes: Partial<typeof RETIRE> | object = {}): void {
  story.request = { ...story.request, retire: { ...RETIRE, kid, ...changes }, incidentOnly: true };
  expect(story.step()).toBe(`record-retirement ${kid} asked`);
  story.request = { ...story.request, incidentOnly: false };
}

/** KMS is down: no key can be made. */
function noKms(story: Story): void {
  story.blocked.add('generate');
}

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

  it('is settled by its first commit: nothing activates it any more (TRACES 6)', () => {
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
    expect(story.retire('k2').slice(0, 2)).toEqual(['record-retirement k2 asked', 'delete-secret k2 retired']);
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

  it('waits for signers that may still use it, but for nothing after that (TRACES 5)', () => {
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
      one.manifest = backedOff(rolledBack(one.known, POLICY, 'x', one.now), 'x', one.now);
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
    });
    expect(story.run()).toContain('activate k2 published-long-enough');
    expect(story.states).toBe('k1: retired, k2: active');
    expect(() => rolledBack(story.known, POLICY, 'x', story.now)).toThrow('no former key');
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

describe('the deadline', () => {
  it('switches and ends the publication in one commit, whoever has not answered', () => {
    const story = settled();
    story.request = { ...story.request, retire: { ...RETIRE, kid: 'k1' }, incidentOnly: true };
    for (let i = 0; i < 3; i += 1) story.step();
    story.blocked.add('rollout');
    expect(story.next).toBe('await-deadline k1 compromised');
    story.now += 120 * SECOND;
    expect(story.step()).toBe('replace-at-deadline k2 deadline-passed');
    expect(story.states).toBe('k1: retired, k2: active');
    expect(story.known.rollout).toMatchObject({ kid: 'k2', former: null, phase: 'switch' });
    expect(story.step()).toBe('write-outlets k2 switched');
  });

  it('is kept though the run that took it up was killed: the next goes on with what is left of it', () => {
    const story = settled();
    recordOnly(story, 'k1');
    story.now += 119 * SECOND;
    expect(story.next).toBe('generate - compromised');
    story.now += SECOND;
    expect(story.next).toBe('generate - compromised');
    story.step();
    expect(story.next).toBe('replace-at-deadline k2 deadline-passed');
  });

  it('waits for outlets no more than for services', () => {
    const story = settled();
    recordOnly(story, 'k1');
    story.now += 120 * SECOND;
    for (let i = 0; i < 2; i += 1) story.step();
    story.blocked.add('outlets');
    expect(story.next).toBe('confirm-signers k2 switched');
    story.blocked.add('rollout');
    expect(story.next).toBe('delete-secret k1 retired');
    story.step();
    expect(story.next).toBe('confirm-drop k1 key-dropped');
  });

  it('makes the newest deprecated key sign again when no replacement can be made', () => {
    const story = rotated();
    story.now += HOUR;
    story.run({ force: true, immediate: true });
    recordOnly(story, 'k3');
    noKms(story);
    expect(story.next).toBe('await-deadline k3 compromised');
    story.now += 120 * SECOND;
    expect(story.step()).toBe('replace-at-deadline k2 deadline-passed');
    expect(story.states).toBe('k1: deprecated, k2: active, k3: retired');
    expect(story.key('k2').signedUntil).toBeNull();
    story.run();
    expect(story.key('k1').signedUntil).not.toBeNull();
  });

  it('does not fall back to a key that signers did not take while there is another', () => {
    const story = switching();
    story.manifest = backedOff(rolledBack(story.known, POLICY, 'x', story.now), 'x', story.now);
    story.run();
    story.run({ force: true, immediate: true });
    expect(story.states).toBe('k1: deprecated, k2: deprecated, k3: active');
    recordOnly(story, 'k3');
    story.now += 120 * SECOND;
    noKms(story);
    expect(story.next).toBe('replace-at-deadline k1 deadline-passed');
    story.manifest = { ...story.known, keys: story.known.keys.filter((key) => key.kid !== 'k1') };
    story.holdings = [];
    expect(story.next).toBe('replace-at-deadline k2 deadline-passed');
  });

  it('does not fall back to a key that must leave itself, nor to one without a private half', () => {
    const story = switching();
    recordOnly(story, 'k1', { deadline: DAY });
    recordOnly(story, 'k2');
    story.now += 120 * SECOND;
    noKms(story);
    expect(story.next).toBe('refused only-key');
    const half = rotated();
    half.manifest = { ...half.known, keys: half.known.keys.map((key) => ({ ...key, hasPrivate: key.kid !== 'k1' })) };
    recordOnly(half, 'k2');
    half.now += 120 * SECOND;
    noKms(half);
    expect(half.next).toBe('refused only-key');
  });

  it('keeps the former key of a switch that was cut short, the only one that signs (TRACES 8)', () => {
    const story = switching();
    recordOnly(story, 'k2');
    noKms(story);
    expect(story.next).toBe('await-deadline k2 compromised');
    story.now += 120 * SECOND;
    expect(story.step()).toBe('replace-at-deadline k1 deadline-passed');
    expect(story.states).toBe('k1: active, k2: retired');
    expect(story.known.rollout).toMatchObject({ kid: 'k1', phase: 'switch', former: null });
  });

  it('leaves the only key where it is, and says so', () => {
    const story = settled();
    recordOnly(story, 'k1');
    story.now += 120 * SECOND;
    noKms(story);
    const decision = story.decide();
    expect(decision).toEqual({
      type: 'refused',
      refusal: {
        code: 'only-key',
        message:
          'no replacement could be made, and k1 is the only key of keyset api: it stays in the JWKS and goes on signing',
        hint: 'when the store and KMS answer again: jwtrot retire --kid k1; to publish without any key: add --no-replacement',
      },
    });
    // The incident is recorded: the next run tries again.
    expect(story.run()[0]).toBe('generate - compromised');
    expect(story.states).toBe('k1: retired, k2: active');
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
    forward.retire('k2', { noReplacement: true });
    expect(forward.known.rollout).toBeNull();
    const back = switching();
    back.manifest = backedOff(rolledBack(back.known, POLICY, 'x', back.now), 'x', back.now);
    back.retire('k1', { noReplacement: true });
    expect(back.known.rollout).toBeNull();
    expect(back.states).toBe('k1: retired, k2: deprecated');
    expect(back.run()[0]).toBe('generate - no-active-key');
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
