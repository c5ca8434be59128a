import { describe, expect, it } from 'vitest';
import type { Decision, PlanInput } from '../../src/keyset/action.js';
import { decide } from '../../src/keyset/planner.js';
import { DAY, JWKS, named, POLICY, rotated, SIGNER_JWK, Story, settled, staged } from './story.js';

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
