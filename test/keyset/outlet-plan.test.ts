import { describe, expect, it } from 'vitest';
import { unexplained } from '../../src/keyset/outlet-plan.js';
import type { Holding } from '../../src/keyset/projection.js';
import { backedOff } from '../../src/keyset/transitions.js';
import {
  DAY,
  HOUR,
  JWKS,
  named,
  rotated,
  SECOND,
  SIGNER_JWK,
  START,
  type Story,
  settled,
  staged,
  switching,
  written,
} from './story.js';

/** Somebody else wrote these keys into an outlet. */
function set(story: Story, outlet: string, kids: readonly string[] | null, intact = true): void {
  const keys = kids?.map((kid) => named(story.known, kid)) ?? null;
  story.holdings = story.holdings.map((one) =>
    one.outlet === outlet ? { ...one, keys, intact: keys !== null && intact } : one,
  );
}

describe('outlets that differ', () => {
  it.each<[string, readonly string[] | null, boolean]>([
    ['are gone', null, true],
    ['are empty', [], true],
    ['hold a key that was retired', ['k1', 'k2'], true],
    ['hold the keys in another text or mode', ['k2'], false],
    ['can not be read', [], false],
  ])('and %s are noted, written and their services reloaded', (_, kids, intact) => {
    const story = rotated();
    story.now += 9 * DAY;
    story.run();
    expect(story.states).toBe('k1: retired, k2: active');
    set(story, JWKS.outlet, kids, intact);
    expect(story.run().slice(0, 3)).toEqual([
      kids?.includes('k1') ? 'note-outlets k1 outlets-differ' : 'note-outlets - outlets-differ',
      'write-outlets - outlets-differ',
      'refresh-services - outlets-differ',
    ]);
    expect(story.known.refresh).toBeNull();
  });

  it('owe verifiers a reload for the JWKS and signers one for their key', () => {
    const story = settled();
    set(story, JWKS.outlet, null);
    story.step();
    expect(story.known.refresh).toEqual({ publish: true, deliver: false, since: START });
    set(story, SIGNER_JWK.outlet, null);
    expect(story.step()).toBe('note-outlets - outlets-differ');
    expect(story.known.refresh).toEqual({ publish: true, deliver: true, since: START });
    expect(story.run()).toEqual(['write-outlets - outlets-differ', 'refresh-services - outlets-differ']);
  });

  it('are noted before they are written, so that a kill in between owes the reload all the same', () => {
    const story = settled();
    set(story, SIGNER_JWK.outlet, null);
    story.step();
    story.write(); // by `sync`, or by a run that died
    expect(story.run()).toEqual(['refresh-services - outlets-differ']);
  });

  it('count as held in the wrong order too: the text differs', () => {
    const story = staged();
    set(story, JWKS.outlet, ['k2', 'k1']);
    expect(story.next).toBe('note-outlets - outlets-differ');
  });

  it('of PEM know their key by its thumbprint', () => {
    const story = settled();
    const pem: Holding = {
      outlet: '/srv/key.pem',
      kind: 'publish',
      format: 'pem',
      intact: true,
      keys: [{ kid: null, thumbprint: story.key('k1').thumbprint }],
    };
    story.holdings = [pem];
    expect(story.next).toBe('nothing');
    story.holdings = [{ ...pem, keys: null, intact: false }];
    expect(story.next).toBe('note-outlets - outlets-differ');
  });

  it('do not stand in the way once they can not be written', () => {
    const story = settled();
    set(story, JWKS.outlet, null);
    story.blocked.add('outlets');
    expect(story.next).toBe('nothing');
  });

  it('are refreshed once though a back-off runs that has nothing to do with them', () => {
    const story = settled();
    story.manifest = backedOff(story.known, 'issuer: refused', story.now);
    story.now += 60 * SECOND;
    set(story, SIGNER_JWK.outlet, null);
    expect(story.run()).toEqual([
      'note-outlets - outlets-differ',
      'write-outlets - outlets-differ',
      'refresh-services - outlets-differ',
    ]);
    set(story, SIGNER_JWK.outlet, null);
    story.step();
    story.step();
    story.manifest = backedOff(story.known, 'issuer: no answer', story.now);
    expect(story.next).toBe('nothing');
  });
});

describe('a pending key that was missing from an outlet', () => {
  it('starts its publishAhead again, whether or not it was over (TRACES 11)', () => {
    const story = staged();
    story.now += DAY;
    set(story, JWKS.outlet, ['k1']);
    expect(story.run()).toEqual([
      'note-outlets k2 outlets-differ',
      'write-outlets k2 new-key',
      'confirm-verifiers k2 new-key',
      'refresh-services - outlets-differ',
    ]);
    expect(story.key('k2')).toMatchObject({ publishedAt: story.now, confirmedAt: story.now });
    story.now += DAY - 1;
    expect(story.run()).toEqual([]);
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
    set(story, SIGNER_JWK.outlet, null);
    story.step();
    expect(story.key('k2').publishedAt).not.toBeNull();
  });

  it('was not published before it was read back: a kill in between stamps nothing (TRACES 10)', () => {
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
    set(switched, SIGNER_JWK.outlet, ['k1']);
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
    set(story, JWKS.outlet, null);
    expect(unexplained(story.known, story.differing(story.known))).toEqual({
      publish: true,
      deliver: false,
      missing: [],
      returned: [],
    });
    const dropping = rotated();
    dropping.now += 9 * DAY;
    for (let i = 0; i < 3; i += 1) dropping.step();
    dropping.blocked.add('drop');
    set(dropping, JWKS.outlet, null);
    expect(dropping.next).toBe('note-outlets - outlets-differ');
  });

  it('of the first key is no surprise', () => {
    const story = settled();
    expect(story.known.events.map((event) => event.type)).not.toContain('outlets-differ');
  });
});

describe('a retired key that an old file brought back', () => {
  it('has to be dropped again, since a verifier may have taken it', () => {
    const story = rotated();
    story.now += 9 * DAY;
    story.run();
    set(story, JWKS.outlet, ['k1', 'k2']);
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
    set(story, JWKS.outlet, ['k1', 'k2']);
    expect(story.run()).toEqual([
      'note-outlets - outlets-differ',
      'write-outlets - outlets-differ',
      'refresh-services - outlets-differ',
    ]);
    expect(written(JWKS, story.known).keys?.map((key) => key.kid)).toEqual(['k2']);
  });
});

describe('a switch under way', () => {
  it('delivers again what a reboot took, and reloads signers by itself (TRACES 3)', () => {
    const story = switching();
    set(story, SIGNER_JWK.outlet, null);
    story.now += HOUR;
    expect(story.run()).toEqual(['write-outlets k2 switched', 'confirm-signers k2 switched']);
  });
});
