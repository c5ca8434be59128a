import { describe, expect, it } from 'vitest';
import { unexplained } from '../../src/keyset/published/differences.js';
import { setOutlet } from './outlets.js';
import { DAY, JWKS, rotated, SIGNER_JWK, START, settled, staged, switching, written } from './story.js';

describe('a pending key that was missing from an outlet', () => {
  it('starts its publishAhead again, whether or not it was over (trace 11)', () => {
    const story = staged();
    story.now += DAY;
    setOutlet(story, JWKS.outlet, ['k1']);
    expect(story.run()).toEqual([
      'note-outlets k2 outlets-differ',
      'write-outlets k2 new-key',
      'confirm-verifiers k2 new-key',
      'refresh-services - outlets-differ',
    ]);
    expect(story.key('k2')).toMatchObject({ publishedAt: story.now, confirmedAt: story.now });
    story.now += DAY - 1;
    expect(story.run()).toEqual(['refresh-services - caches-over']);
    story.now += 1;
    expect(story.run()[0]).toBe('activate k2 published-long-enough');
  });

  it('is missing if one of several outlets lacks it', () => {
    const story = staged();
    const second = { ...JWKS, outlet: 'command upload' };
    story.holdings = [...story.holdings, { ...second, keys: null, intact: false }];
    expect(story.step()).toBe('note-outlets k2 outlets-differ');
    expect(story.key('k2')).toMatchObject({ publishedAt: null, confirmedAt: null });
    expect(story.known.rollout?.phase).toBe('publish');
  });

  it('is not missed in an outlet of signers', () => {
    const story = staged();
    setOutlet(story, SIGNER_JWK.outlet, null);
    story.step();
    expect(story.key('k2').publishedAt).not.toBeNull();
  });

  it('was not published before it was read back: a kill in between stamps nothing (trace 10)', () => {
    const story = settled();
    story.now = START + 89 * DAY;
    story.step();
    story.write();
    expect(story.key('k2').publishedAt).toBeNull();
    story.now += 5 * DAY;
    expect(story.run().slice(0, 2)).toEqual(['write-outlets k2 new-key', 'confirm-verifiers k2 new-key']);
    expect(story.key('k2').publishedAt).toBe(story.now);
    expect(story.active).toBe('k1');
  });
});

describe('a difference that is under way', () => {
  it('is not noted: a new key, a switch, a drop', () => {
    const story = settled();
    story.now = START + 89 * DAY;
    story.step();
    expect(story.next).toBe('write-outlets k2 new-key');
    const switched = switching();
    setOutlet(switched, SIGNER_JWK.outlet, ['k1']);
    expect(switched.next).toBe('write-outlets k2 switched');
    const dropping = rotated();
    dropping.now += 9 * DAY;
    dropping.step();
    expect(dropping.next).toBe('write-outlets - key-dropped');
  });

  it('does not hide that a reboot took the rest as well', () => {
    const story = settled();
    story.now = START + 89 * DAY;
    story.step();
    setOutlet(story, JWKS.outlet, null);
    expect(unexplained(story.known, story.differing(story.known))).toEqual([{ type: 'published-differs' }]);
    const dropping = rotated();
    dropping.now += 9 * DAY;
    for (let i = 0; i < 3; i += 1) dropping.step();
    dropping.blocked.add('drop');
    setOutlet(dropping, JWKS.outlet, null);
    expect(dropping.next).toBe('note-outlets - outlets-differ');
  });

  it('of the first key is no surprise', () => {
    const story = settled();
    expect(story.known.events.map((event) => event.type)).not.toContain('outlets-differ');
  });
});

describe('a former key that a stopped run delivered again', () => {
  it('may have been taken by a signer: its clock starts when signers have confirmed once more', () => {
    const story = rotated();
    const { signedUntil } = story.key('k1');
    expect(signedUntil).not.toBeNull();
    story.now += DAY;
    setOutlet(story, SIGNER_JWK.outlet, ['k1']);
    expect(story.step()).toBe('note-outlets k1 outlets-differ');
    expect(story.key('k1').signedUntil).toBeNull();
    expect(story.run()).toEqual([
      'write-outlets - outlets-differ',
      'refresh-services - outlets-differ',
      'confirm-signers k2 interrupted',
    ]);
    expect(story.key('k1').signedUntil).toBe(story.now);
  });

  it('is what is expected there until the switch is confirmed', () => {
    const story = switching();
    setOutlet(story, SIGNER_JWK.outlet, ['k1']);
    expect(story.step()).toBe('write-outlets k2 switched');
  });
});

describe('a retired key that an old file brought back', () => {
  it('has to be dropped again, since a verifier may have taken it', () => {
    const story = rotated();
    story.now += 9 * DAY;
    story.run();
    setOutlet(story, JWKS.outlet, ['k1', 'k2']);
    expect(story.run()).toEqual([
      'note-outlets k1 outlets-differ',
      'write-outlets - outlets-differ',
      'refresh-services - outlets-differ',
      'confirm-drop k1 key-dropped',
    ]);
    expect(story.key('k1').droppedAt).toBe(story.now);
  });

  it('is written over when it is but a tombstone', () => {
    const story = rotated();
    story.now += 9 * DAY;
    story.run();
    story.now += 8 * DAY;
    story.run();
    expect(story.key('k1').state).toBe('destroyed');
    setOutlet(story, JWKS.outlet, ['k1', 'k2']);
    expect(story.run()).toEqual([
      'note-outlets - outlets-differ',
      'write-outlets - outlets-differ',
      'refresh-services - outlets-differ',
    ]);
    expect(written(JWKS, story.known).keys?.map((key) => key.kid)).toEqual(['k2']);
  });
});
