import { describe, expect, it } from 'vitest';
import type { Decision, PlanInput } from '../../src/keyset/action.js';
import { decide } from '../../src/keyset/planner.js';
import {
  DAY,
  HOUR,
  JWKS,
  named,
  POLICY,
  RETIRE,
  rotated,
  SECOND,
  SIGNER_JWK,
  START,
  Story,
  settled,
  staged,
  switching,
} from './story.js';

function refused(decision: Decision) {
  return decision.type === 'refused' ? decision.refusal : null;
}

const IMPORT =
  'adopt the key in use first: jwtrot import --pem FILE (or --jwk FILE; --public FILE for one that only verifies)';

describe('keys that nobody knows', () => {
  it('are never overwritten where there is no manifest yet', () => {
    const story = new Story();
    story.holdings = [{ ...JWKS, intact: false, keys: [named(null, 'legacy')] }];
    expect(refused(story.decide())).toEqual({
      code: 'unknown-keys',
      message: 'keyset api does not know "legacy" in /srv/jwks.json: tokens may depend on it; nothing was changed',
      hint: IMPORT,
    });
    expect(story.run({ force: true })).toEqual(['refused unknown-keys']);
  });

  it('are not overwritten either when only a service reports them, or when they can not be read', () => {
    const story = new Story();
    const input: PlanInput = story.input();
    const reported = [{ service: 'gateway', kid: 'old\u001b[2J' }];
    expect(refused(decide({ ...input, observations: { ...input.observations, reported } }))?.message).toBe(
      'keyset api does not know "old\\u001b[2J" at gateway: tokens may depend on it; nothing was changed',
    );
    story.holdings = [{ ...SIGNER_JWK, intact: false, keys: [] }];
    expect(refused(story.decide())?.message).toContain("something that can't be read in /run/key.jwk");
  });

  it('are all named', () => {
    const story = settled();
    const stray = { kid: null, thumbprint: 'x'.repeat(43) };
    story.holdings = [
      { ...JWKS, intact: false, keys: [named(story.known, 'k1'), named(null, 'legacy')] },
      { ...SIGNER_JWK, intact: false, keys: [stray] },
    ];
    expect(refused(story.decide())).toEqual({
      code: 'unknown-keys',
      message: `keyset api does not know "legacy" in /srv/jwks.json, "${stray.thumbprint}" in /run/key.jwk: tokens may depend on them; nothing was changed`,
      hint: IMPORT,
    });
  });

  it('include another key under a kid that is known', () => {
    const story = settled();
    story.holdings = [{ ...JWKS, intact: true, keys: [{ kid: 'k1', thumbprint: 'y'.repeat(43) }] }];
    expect(refused(story.decide())?.message).toContain('another key named "k1" in /srv/jwks.json');
  });

  it('do not include those of tombstones: an old file is just written over', () => {
    const story = rotated();
    for (const days of [9, 8]) {
      story.now += days * DAY;
      story.run();
    }
    expect(story.states).toBe('k1: destroyed, k2: active');
    story.holdings = [{ ...JWKS, intact: true, keys: [named(story.known, 'k1'), named(story.known, 'k2')] }];
    expect(story.next).toBe('note-outlets - outlets-differ');
  });

  it('can be anything in a file that is damaged, once jwtrot writes there', () => {
    const story = settled();
    story.holdings = [{ ...JWKS, intact: false, keys: [] }];
    expect(story.next).toBe('note-outlets - outlets-differ');
  });
});

describe('a keyset of another host', () => {
  function moved(): Story {
    const story = new Story();
    story.host = { id: 'host-a', hostname: 'alpha', bound: true };
    story.run({ takeOver: true });
    story.manifest = { ...story.known, host: { id: 'host-a', hostname: 'alpha' } };
    story.host = { id: 'host-b', hostname: 'beta', bound: true };
    return story;
  }

  it('is refused, with the name of that host', () => {
    expect(refused(moved().decide())).toEqual({
      code: 'other-host',
      message:
        'keyset api belongs to host "alpha": its outlets and reloads are there, this host is "beta"; nothing was changed',
      hint: 'run it there; or, if that host is gone, move the keyset here with: jwtrot rotate --take-over',
    });
  });

  it('is refused to an incident as well', () => {
    expect(moved().retire('k1')).toEqual(['refused other-host']);
  });

  it('is taken over when that is asked for, before anything else', () => {
    const story = moved();
    expect(story.run({ takeOver: true })).toEqual(['take-over - asked']);
    expect(story.known.host).toEqual({ id: 'host-b', hostname: 'beta' });
    expect(story.run()).toEqual([]);
  });

  it('does not matter where nothing is bound to a host', () => {
    const story = moved();
    story.host = { ...story.host, bound: false };
    expect(story.run()).toEqual([]);
  });
});

describe('a clock that is behind', () => {
  it('refuses rotation, expiry and destruction', () => {
    const story = rotated();
    story.now = START + 90 * DAY - 61 * SECOND;
    expect(refused(story.decide())).toEqual({
      code: 'clock-behind',
      message:
        'this clock (2026-03-31T23:58:59.000Z) is 1m 1s behind the newest event of keyset api (2026-04-01T00:00:00.000Z); rotation, expiry and destruction are refused, nothing was changed',
      hint: 'set the clock (timedatectl); if this clock is the right one: jwtrot rotate --accept-clock',
    });
    expect(story.run({ force: true })).toEqual(['refused clock-behind']);
  });

  it('may be behind by clockSkew', () => {
    const story = rotated();
    story.now -= 60 * SECOND;
    expect(story.run()).toEqual([]);
  });

  it('does not refuse to resume, to roll back or to retire', () => {
    const story = switching();
    story.now -= 10 * DAY;
    expect(story.run()).toEqual(['confirm-signers k2 switched', 'refused clock-behind']);
    const leaked = rotated();
    leaked.now -= 10 * DAY;
    const done = leaked.retire('k2');
    expect(done[0]).toBe('record-retirement k2 asked');
    expect(leaked.states).toBe('k1: deprecated, k2: retired, k3: active');
  });

  it('stays refused after what it did not refuse has been recorded with its times', () => {
    const story = switching();
    story.now -= 10 * DAY;
    story.run();
    expect(story.run()).toEqual(['refused clock-behind']);
  });

  it('does not bring an end of use forward', () => {
    const story = switching();
    const right = story.now;
    story.now -= 10 * DAY;
    story.run();
    expect(story.key('k1').signedUntil).toBe(right);
    story.now = right + 8 * DAY + 59 * SECOND;
    expect(story.run()).toEqual([]);
  });

  it('does not bring publishAhead forward', () => {
    const story = settled();
    story.now = START + 89 * DAY;
    story.step();
    story.now -= 5 * DAY;
    story.run();
    expect(story.key('k2')).toMatchObject({ publishedAt: START + 89 * DAY, confirmedAt: START + 89 * DAY });
  });
});

describe('a clock that the operator says is right', () => {
  it('takes back by how far the former was ahead whatever lies ahead of it', () => {
    const wrong = 300 * DAY;
    const story = settled();
    const right = START + 10 * DAY;
    story.now = right + wrong;
    story.run({ force: true, immediate: true });
    story.manifest = { ...story.known, reloadsUntil: story.now + 120 * SECOND };
    story.now += HOUR;
    story.run({ retire: { ...RETIRE, kid: 'k1', deadline: HOUR }, incidentOnly: true });
    story.now = right + 2 * HOUR;
    expect(story.run()).toEqual(['refused clock-behind']);
    expect(story.run({ acceptClock: true })[0]).toBe('accept-clock - asked');
    const { now } = story;
    expect(story.key('k2')).toMatchObject({ publishedAt: now, activatedAt: now, signedFrom: now });
    expect(story.known.retirements[0]).toMatchObject({ requestedAt: now, deadlineAt: now + HOUR });
    expect(story.known.events.every((event) => event.at <= now)).toBe(true);
    expect(story.run()).toEqual([]);
  });

  it('never makes an end of use earlier than it was', () => {
    const story = switching();
    story.now += 100 * DAY;
    story.reloadsUntil = story.now + 120 * SECOND;
    story.run();
    const signedUntil = story.now + 120 * SECOND;
    expect(story.key('k1').signedUntil).toBe(signedUntil);
    // The clock had been 100 days ahead, and nothing else happened for an hour since.
    story.now -= 100 * DAY - HOUR;
    story.run({ acceptClock: true });
    expect(story.key('k1').signedUntil).toBe(story.now + 120 * SECOND);
  });

  it('leaves times alone that are not ahead', () => {
    const story = rotated();
    const before = story.key('k1');
    story.now += DAY;
    expect(story.run({ acceptClock: true })).toEqual([]);
    expect(story.key('k1')).toEqual(before);
  });
});

describe('no keyset', () => {
  it('has no key to retire, and gets none by that', () => {
    const story = new Story();
    expect(story.retire('k1')).toEqual(['refused no-keyset']);
    expect(story.manifest).toBeNull();
  });
});

describe('the order of refusals', () => {
  it('is: another host, unknown keys, then all else', () => {
    const story = staged();
    story.manifest = { ...story.known, host: { id: 'other', hostname: 'other' } };
    story.host = { ...story.host, bound: true };
    story.holdings = [{ ...JWKS, intact: true, keys: [named(null, 'legacy')] }];
    story.now -= 100 * DAY;
    expect(story.next).toBe('refused other-host');
    story.host = { ...story.host, bound: false };
    expect(story.next).toBe('refused unknown-keys');
    story.holdings = [];
    expect(story.next).toBe('refused clock-behind');
    expect(story.policy).toEqual(POLICY);
  });
});
