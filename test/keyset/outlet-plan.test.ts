import { describe, expect, it } from 'vitest';
import { unexplained } from '../../src/keyset/published/differences.js';
import type { Holding } from '../../src/keyset/published/jwk-set.js';
import { upcoming } from '../../src/keyset/questions/upcoming.js';
import { backedOff } from '../../src/keyset/transitions/all.js';
import { setOutlet } from './outlets.js';
import { DAY, HOUR, JWKS, rotated, SECOND, SIGNER_JWK, START, settled, staged, switching } from './story.js';

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
    setOutlet(story, JWKS.outlet, kids, intact);
    expect(story.run().slice(0, 3)).toEqual([
      kids?.includes('k1') ? 'note-outlets k1 outlets-differ' : 'note-outlets - outlets-differ',
      'write-outlets - outlets-differ',
      'refresh-services - outlets-differ',
    ]);
    expect(story.known.refresh).toBeNull();
  });

  it('owe verifiers a reload for the JWKS and signers one for their key', () => {
    const story = settled();
    setOutlet(story, JWKS.outlet, null);
    story.step();
    expect(story.known.refresh).toEqual({ publish: true, deliver: false, served: false, since: START });
    setOutlet(story, SIGNER_JWK.outlet, null);
    expect(story.step()).toBe('note-outlets - outlets-differ');
    expect(story.known.refresh).toEqual({ publish: true, deliver: true, served: false, since: START });
    expect(story.run()).toEqual(['write-outlets - outlets-differ', 'refresh-services - outlets-differ']);
  });

  it('are noted before they are written, so that a kill in between owes the reload all the same', () => {
    const story = settled();
    setOutlet(story, SIGNER_JWK.outlet, null);
    story.step();
    story.write(); // by `sync`, or by a run that died
    expect(story.run()).toEqual(['refresh-services - outlets-differ']);
  });

  it('count as held in the wrong order too: the text differs', () => {
    const story = staged();
    setOutlet(story, JWKS.outlet, ['k2', 'k1']);
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
    setOutlet(story, JWKS.outlet, null);
    story.blocked.add('outlets');
    expect(story.next).toBe('nothing');
  });

  it('are refreshed once though a back-off runs that has nothing to do with them', () => {
    const story = settled();
    story.manifest = backedOff(story.known, 'issuer: refused', story.now);
    story.now += 60 * SECOND;
    setOutlet(story, SIGNER_JWK.outlet, null);
    expect(story.run()).toEqual([
      'note-outlets - outlets-differ',
      'write-outlets - outlets-differ',
      'refresh-services - outlets-differ',
    ]);
    setOutlet(story, SIGNER_JWK.outlet, null);
    story.step();
    story.step();
    story.manifest = backedOff(story.known, 'issuer: no answer', story.now);
    expect(story.next).toBe('nothing');
  });
});

describe('a set that others had put into an outlet', () => {
  const changed = () => {
    const story = settled();
    setOutlet(story, JWKS.outlet, []);
    story.run();
    return story;
  };

  it('may be in a cache: verifiers are looked at once more when no copy of it can be left', () => {
    const story = changed();
    const { jwksMaxAge, clockSkew, slowestReload } = story.policy;
    expect(story.known.verifiersOwedAt).toBe(START + jwksMaxAge + clockSkew + slowestReload);
    expect(upcoming(story.known, story.policy, story.now)).toMatchObject({
      action: 'confirm',
      at: story.known.verifiersOwedAt,
      reason: 'verifiers are looked at once more: one may have read what somebody else had published',
    });
    story.now = story.known.verifiersOwedAt! - 1;
    expect(story.run()).toEqual([]);
    story.now += 1;
    expect(story.run()).toEqual(['refresh-services - caches-over']);
    expect(story.known.verifiersOwedAt).toBeNull();
    story.now += DAY;
    expect(story.run()).toEqual([]);
  });

  it('is in no cache where nothing was there, or where verifiers read the file itself', () => {
    const gone = settled();
    setOutlet(gone, JWKS.outlet, null);
    gone.run();
    expect(gone.known.verifiersOwedAt).toBeNull();
    const uncached = settled();
    uncached.policy = { ...uncached.policy, jwksMaxAge: 0 };
    setOutlet(uncached, JWKS.outlet, []);
    uncached.run();
    expect(uncached.known.verifiersOwedAt).toBeNull();
  });

  it('is what a command may have published that was begun before', () => {
    const story = settled();
    story.holdings = story.holdings.map((one) => ({ ...one, keys: null, intact: false, busyUntil: START - 1 }));
    expect(unexplained(story.known, story.differing(story.known))).toEqual([
      { type: 'published-differs' },
      { type: 'delivered-differs' },
      { type: 'other-set-served' },
    ]);
  });

  it('is looked for again when it was put there twice', () => {
    const story = changed();
    const first = story.known.verifiersOwedAt!;
    story.now = first - 1;
    setOutlet(story, JWKS.outlet, []);
    story.run();
    expect(story.known.verifiersOwedAt).toBe(first - 1 + (first - START));
  });
});

describe('a switch under way', () => {
  it('delivers again what a reboot took, and reloads signers by itself (trace 3)', () => {
    const story = switching();
    setOutlet(story, SIGNER_JWK.outlet, null);
    story.now += HOUR;
    expect(story.run()).toEqual(['write-outlets k2 switched', 'confirm-signers k2 switched']);
  });
});
