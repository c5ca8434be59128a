import { describe, expect, it } from 'vitest';
import { type Decision, NOTHING_ASKED, type PlanInput } from '../../src/keyset/planning/action.js';
import { decide } from '../../src/keyset/planning/order.js';
import { retired } from '../../src/keyset/transitions/all.js';
import { withParts } from '../support/manifest.js';
import { recordOnly } from './incidents.js';
import { DAY, JWKS, named, POLICY, RETIRE, rotated, SIGNER_JWK, Story, settled, staged } from './story.js';

function refused(decision: Decision) {
  return decision.type === 'refused' ? decision.refusal : null;
}

const IMPORT =
  'adopt the key in use first: jwtrot import --keyset api --pem FILE (or --jwk FILE; --public FILE for one that only verifies)';
const BESIDE_ACTIVE = [
  'to go on accepting its tokens: jwtrot import --keyset api --public FILE',
  'if the store was restored from a backup: jwtrot store recover --keyset api',
  'if nobody depends on it: jwtrot retire --keyset api --kid KID',
].join('; ');

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
    const reported = [{ service: 'gateway', url: 'http://h/', kid: 'old\u001b[2J' }];
    expect(refused(decide({ ...input, observations: { ...input.observations, reported } }))).toMatchObject({
      message:
        'keyset api does not know "old\\u001b[2J" at gateway (http://h/): tokens may depend on it; nothing was changed',
      hint: `${IMPORT}; or, if something else answers at that URL, end it and run this again`,
    });
    story.holdings = [{ ...SIGNER_JWK, intact: false, keys: [] }];
    expect(refused(story.decide())?.message).toContain("something that can't be read in /run/key.jwk");
  });

  it('are not to be found where holds fails before the first key: that is said instead', () => {
    const story = new Story();
    const problem = 'what deliver command put holds is not known: its holds: exit 1';
    const unseen = { ...SIGNER_JWK, outlet: 'deliver command put', intact: false, keys: [], problem };
    story.holdings = [unseen];
    const refusal = refused(story.decide());
    expect(refusal).toMatchObject({
      code: 'not-seen',
      kind: 'services',
      hint: expect.stringMatching(/^run holds by hand/),
    });
    expect(refusal?.message).toContain(problem);
    story.holdings = [unseen, { ...JWKS, intact: false, keys: [named(settled().known, 'k1')] }];
    expect(refused(story.decide())).toMatchObject({ code: 'unknown-keys' });
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
      // Beside an active key `import --pem` is refused.
      hint: BESIDE_ACTIVE,
    });
  });

  it('are also those that the manifest has not published yet: it is older than the outlet, and gives none of them up', () => {
    const story = new Story();
    story.step();
    story.manifest = withParts(story.known, 'k1', { state: 'creating' });
    expect(story.next).toBe('recover k1 interrupted');
    story.holdings = [{ ...JWKS, intact: true, keys: [named(story.known, 'k1')] }];
    expect(refused(story.decide())).toEqual({
      code: 'other-history',
      message:
        'the store of keyset api has not published "k1" in /srv/jwks.json: it was published later than the store knows, and tokens may depend on it; nothing was changed',
      hint: 'if the store was restored from a backup: jwtrot store recover --keyset api',
    });
    story.request = { ...story.request, retire: { ...RETIRE, kid: 'k1' }, incidentOnly: true };
    expect(story.next).toBe('record-retirement k1 asked');
  });

  it('hold up no incident, neither when it is asked for nor while it is open', () => {
    const story = settled();
    story.holdings = [{ ...JWKS, intact: false, keys: [named(story.known, 'k1'), named(null, 'legacy')] }];
    expect(story.next).toBe('refused unknown-keys');
    story.request = { ...story.request, retire: { ...RETIRE, kid: 'k1' }, incidentOnly: true };
    expect(story.next).toBe('record-retirement k1 asked');
    story.step();
    expect(story.next).toBe('generate - compromised');
  });

  it('that can not be read as keys are named with what ends it: they can be neither imported nor retired', () => {
    const story = settled();
    const unread = { kid: 'stranger', thumbprint: '' };
    const byHand =
      "if nobody depends on what can't be read as a key, take it out of /srv/jwks.json by hand, or move the file away; then run it again";
    story.holdings = [{ ...JWKS, intact: false, keys: [named(story.known, 'k1'), unread] }];
    expect(refused(story.decide())?.hint).toBe(byHand);
    story.holdings = [{ ...JWKS, intact: false, keys: [unread, named(null, 'legacy')] }];
    expect(refused(story.decide())?.hint).toBe(`${BESIDE_ACTIVE}; ${byHand}`);
  });

  it('are none where they can not be read, and go by the name of a retired one: they are written over', () => {
    const story = rotated();
    story.retire('k1');
    story.holdings = [{ ...JWKS, intact: false, keys: [named(story.known, 'k2'), { kid: 'k1', thumbprint: '' }] }];
    expect(story.next).toBe('note-outlets k1 outlets-differ');
    story.holdings = [{ ...JWKS, intact: false, keys: [{ kid: 'k2', thumbprint: '' }] }];
    expect(story.next).toBe('refused unknown-keys');
  });

  it('stop what comes after an incident, except for the second look', () => {
    const story = rotated();
    story.retire('k1');
    story.holdings = [{ ...JWKS, intact: false, keys: [named(story.known, 'k2'), named(null, 'legacy')] }];
    // Every verifier has dropped k1: nothing is in a hurry any more.
    expect(story.next).toBe('refused unknown-keys');
    story.now = story.known.retirements[0]?.checkAgainAt ?? 0;
    expect(story.run()).toEqual(['recheck-drop k1 key-dropped', 'refused unknown-keys']);
    expect(story.known.retirements).toEqual([]);
  });

  it('do not stop one that was asked for again, nor one whose key came back', () => {
    const story = rotated();
    story.retire('k1');
    const dropped = story.known;
    recordOnly(story, 'k1');
    story.holdings = [{ ...JWKS, intact: false, keys: [named(story.known, 'k2'), named(null, 'legacy')] }];
    expect(story.next).toBe('note-outlets - outlets-differ');
    const keys = dropped.keys.map((key) => (key.kid === 'k1' ? { ...key, droppedAt: null } : key));
    story.manifest = { ...dropped, keys };
    expect(story.next).toBe('note-outlets - outlets-differ');
  });

  it('may be from a history that was lost, also where no key is active', () => {
    const story = settled();
    story.manifest = retired(story.known, 'k1', 'compromised', story.now);
    story.holdings = [{ ...JWKS, intact: false, keys: [named(null, 'legacy')] }];
    const hint = refused(story.decide())?.hint;
    expect(hint).toContain('jwtrot import --keyset api --pem FILE');
    expect(hint).toContain('if the store was restored from a backup: jwtrot store recover --keyset api');
  });

  it('include another key under a kid that is known', () => {
    const story = settled();
    story.holdings = [{ ...JWKS, intact: true, keys: [{ kid: 'k1', thumbprint: 'y'.repeat(43) }] }];
    expect(refused(story.decide())?.message).toContain('another key named "k1" in /srv/jwks.json');
  });

  it('do not include what lies under a known kid in a directory of PEM files: it is written anew', () => {
    for (const thumbprint of ['', 'y'.repeat(43)]) {
      const story = settled();
      const keys = [{ kid: 'k1', thumbprint }];
      story.holdings = [{ ...JWKS, format: 'pem-files', intact: thumbprint !== '', keys }];
      expect(refused(story.decide())).toBe(null);
      expect(story.next).toBe('note-outlets - outlets-differ');
    }
  });

  it('nor a retired key under another name there, which goes', () => {
    const story = settled();
    const thumbprint = story.known.keys.find(({ kid }) => kid === 'k1')?.thumbprint ?? '';
    story.holdings = [{ ...JWKS, format: 'pem-files', intact: true, keys: [{ kid: 'copy', thumbprint }] }];
    expect(refused(story.decide())?.code).toBe('unknown-keys');
    story.manifest = retired(story.known, 'k1', 'compromised', story.now);
    expect(refused(story.decide())).toBe(null);
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
    const story = moved();
    expect(story.retire('k1')).toEqual(['refused other-host']);
    const hint = (kid: string) => {
      const request = { ...NOTHING_ASKED, incidentOnly: true, retire: { ...RETIRE, kid } };
      return refused(decide({ ...story.input(), request }))?.hint;
    };
    expect(hint('k1')).toContain('move the keyset here with: jwtrot retire --kid k1 --take-over');
    expect(hint('k1; reboot')).toContain('jwtrot retire --kid KID --take-over');
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
