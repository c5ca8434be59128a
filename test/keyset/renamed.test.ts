import { describe, expect, it } from 'vitest';
import { type HeldName, meantBy, nameOf, renamedIn, type Witness, witness } from '../../src/keyset/history/renamed.js';
import type { Key } from '../../src/keyset/manifest/key.js';
import { recovered } from '../../src/keyset/recovery/recovered.js';
import { recover } from '../../src/keyset/recovery/recovery.js';
import { POLICY, START } from './fixtures.js';
import {
  delivered,
  evidence,
  jwks,
  key,
  NOTHING_SAID,
  remembers,
  restored,
  secrets,
  thumb,
} from './recovery-scenes.js';

const HONEST = restored([key('k1', 'deprecated'), key('k2', 'active')]);

function renamed(names: Record<string, string>) {
  return { ...HONEST, keys: HONEST.keys.map((one): Key => ({ ...one, kid: names[one.kid] ?? one.kid })) };
}

const SWAPPED = renamed({ k1: 'k2', k2: 'k1' });

function held(kid: string | null, pair: string, isGiven = true): HeldName {
  return { outlet: '/srv/jwks.json', kid, thumbprint: thumb(pair), isGiven };
}

function knowing(...names: HeldName[]): Witness {
  return { record: remembers(), held: names };
}

const BOTH = knowing(held('k1', 'k1'), held('k2', 'k2'));

describe('which pair a kid means', () => {
  it('is what the manifest says, where this host has published the same', () => {
    for (const known of [BOTH, knowing(), knowing(held(null, 'k1')), { record: null, held: BOTH.held }]) {
      expect(meantBy('k1', known, HONEST)).toBe('as-stored');
      expect(renamedIn(HONEST, known, null)).toBeNull();
    }
  });

  it('is what this host has published, where the manifest says something else', () => {
    const said = { why: 'renamed', kid: 'k1', thumbprint: thumb('k1'), outlet: '/srv/jwks.json' };
    expect(meantBy('k1', BOTH, SWAPPED)).toEqual({ ...said, stored: thumb('k2'), storedAs: 'k2' });
    expect(meantBy('k1', BOTH, renamed({ k1: 'other' }))).toEqual({ ...said, stored: null, storedAs: 'other' });
    const replaced = { ...HONEST, keys: [key('k3', 'deprecated', { kid: 'k1' }), key('k2', 'active')] };
    expect(meantBy('k1', BOTH, replaced)).toEqual({ ...said, stored: thumb('k3'), storedAs: null });
    for (const manifest of [SWAPPED, renamed({ k1: 'other' }), replaced])
      expect(renamedIn(manifest, BOTH, null)).toMatchObject({ why: 'renamed', kid: 'k1' });
  });

  it('is not what somebody else has put into an outlet, as long as this host remembers anything', () => {
    // The pair of k2 under the name of k1, so that an incident takes the wrong one out.
    const planted = held('k1', 'k2', false);
    expect(meantBy('k1', knowing(planted), HONEST)).toBe('as-stored');
    expect(renamedIn(HONEST, knowing(planted), null)).toBeNull();
    const unknown = { record: null, held: [planted] };
    expect(meantBy('k1', unknown, HONEST)).toMatchObject({ thumbprint: thumb('k2'), storedAs: 'k2' });
    expect(meantBy('k1', { record: null, held: [held('k1', 'k9', false)] }, HONEST)).toBe('as-stored');
  });

  it('is what this host has seen retired under it, where that is in use under another', () => {
    const known = { record: remembers('k1'), held: [held('k2', 'k2')] };
    expect(meantBy('k1', known, SWAPPED)).toMatchObject({ thumbprint: thumb('k1'), outlet: null, storedAs: 'k2' });
    const gone = restored([key('k1', 'retired'), key('k2', 'active')]);
    expect(meantBy('k1', known, gone)).toBe('as-stored');
  });

  it('is what this host remembers in use under it', () => {
    const record = { ...remembers(), named: [{ kid: 'k1', thumbprint: thumb('k1') }] };
    expect(meantBy('k1', { record, held: [] }, HONEST)).toBe('as-stored');
    for (const names of [[], [held('k1', 'k2', false)]])
      expect(meantBy('k1', { record, held: names }, SWAPPED)).toMatchObject({
        thumbprint: thumb('k1'),
        storedAs: 'k2',
      });
    expect(meantBy('other', { record, held: [] }, renamed({ k1: 'other' }))).toBe('unknown');
  });

  it('is no other pair in an outlet, where the manifest has under it the pair whose thumbprint it is', () => {
    const [one, two] = HONEST.keys as [Key, Key];
    const made = { ...HONEST, keys: [{ ...one, kid: one.thumbprint }, two] };
    const planted = { ...held(null, 'k2', false), kid: one.thumbprint };
    expect(meantBy(one.thumbprint, { record: null, held: [planted] }, made)).toBe('as-stored');
  });

  it('is its thumbprint, where the manifest has that under another kid', () => {
    const [one, two] = HONEST.keys as [Key, Key];
    const made = {
      ...HONEST,
      keys: [
        { ...one, kid: two.thumbprint },
        { ...two, kid: one.thumbprint },
      ],
    };
    expect(meantBy(one.thumbprint, knowing(), made)).toMatchObject({ kid: one.thumbprint, thumbprint: one.thumbprint });
    // Imported under a name of its own.
    expect(meantBy(one.thumbprint, knowing(), HONEST)).toBe('as-stored');
  });

  it('is unknown, where the pair that the manifest has under it is another one', () => {
    expect(meantBy('other', BOTH, renamed({ k1: 'other' }))).toBe('unknown');
  });

  it('is asked the other way round for a pair: what it is called', () => {
    expect(nameOf({ kid: 'k2', thumbprint: thumb('k1') }, BOTH)).toBe('k1');
    expect(nameOf({ kid: 'k1', thumbprint: thumb('k1') }, BOTH)).toBe('k1');
    expect(nameOf({ kid: 'k2', thumbprint: thumb('k1') }, knowing(held('k2', 'k2')))).toBe(thumb('k1'));
    expect(nameOf({ kid: 'mine', thumbprint: thumb('k1') }, knowing())).toBe('mine');
  });

  it('is told by outlets that hold what they were given, to the byte', () => {
    const record = { ...remembers(), outlets: [{ outlet: '/srv/jwks.json', sha256: 'abc' }] };
    const seen = (sha256: string | null) => ({ outlet: '/srv/jwks.json', kid: 'k1', thumbprint: thumb('k1'), sha256 });
    const isGiven = (sha256: string | null) => witness(record, [seen(sha256)]).held.map((one) => one.isGiven);
    expect([isGiven('abc'), isGiven('abd'), isGiven(null)]).toEqual([[true], [false], [false]]);
    expect(witness(null, [seen('abc')]).held[0]?.isGiven).toBe(false);
  });
});

describe('store recover, where names were exchanged', () => {
  const at90 = { record: { keyset: 'api', lineage: 'l1', revision: 90 } };
  const what = { keyset: 'api', lineage: 'l2', policy: POLICY };
  const namesIn = (manifest: { keys: readonly Key[] }) =>
    Object.fromEntries(manifest.keys.map((one) => [one.kid, [one.thumbprint, one.state]]));

  it('gives each pair the name that it was published by, and keeps the retired one out', () => {
    const record = { ...remembers('k1'), revision: 90, commit: 'c90' };
    const found = evidence({
      manifest: SWAPPED,
      record,
      outlets: [jwks(['k2'], at90), delivered('k2', at90)],
      secrets: secrets('k1', 'k2'),
    });
    const { recovery, refusal } = recover(found, NOTHING_SAID);
    expect(refusal).toBeNull();
    expect(namesIn(recovered(SWAPPED, recovery, what, START))).toEqual({
      k1: [thumb('k1'), 'retired'],
      k2: [thumb('k2'), 'active'],
    });
  });

  it('begins another history though nothing else is wrong', () => {
    const record = { ...remembers(), revision: 90, commit: 'c90' };
    const outlets = [jwks(['k1', 'k2'], at90)];
    const found = evidence({ manifest: SWAPPED, record, outlets, secrets: secrets('k1', 'k2') });
    const { recovery, refusal } = recover(found, NOTHING_SAID);
    expect({ because: recovery.because?.why, refusal }).toEqual({ because: 'renamed', refusal: null });
    expect(Object.keys(namesIn(recovered(SWAPPED, recovery, what, START)))).toEqual(['k1', 'k2']);
    expect(recover({ ...found, manifest: HONEST }, NOTHING_SAID).recovery.isNothing).toBe(true);
  });

  it('calls a pair by its thumbprint, where its stored name is proved to be another one and nothing tells its own', () => {
    const record = { ...remembers(), revision: 90, commit: 'c90' };
    const found = evidence({ manifest: SWAPPED, record, outlets: [jwks(['k1'], at90)], secrets: secrets('k1', 'k2') });
    const { recovery } = recover(found, NOTHING_SAID);
    expect(Object.keys(namesIn(recovered(SWAPPED, recovery, what, START)))).toEqual(['k1', thumb('k2')]);
    // What its private half was wrapped as tells it.
    const wrapped = found.secrets.map((one) => ({ ...one, wrappedAs: one.kid ?? '' }));
    const better = recover({ ...found, secrets: wrapped }, NOTHING_SAID).recovery;
    expect(Object.keys(namesIn(recovered(SWAPPED, better, what, START)))).toEqual(['k1', 'k2']);
  });
});
