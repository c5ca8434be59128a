import { describe, expect, it } from 'vitest';
import { leakOf, leaksNamed } from '../../src/keyset/history/leaked.js';
import type { KeysetRecord } from '../../src/keyset/history/record.js';
import type { HeldName, Witness } from '../../src/keyset/history/renamed.js';
import { encodeManifest } from '../../src/keyset/manifest/encoding.js';
import type { LeakedKey } from '../../src/keyset/manifest/key.js';
import { NOTHING_ASKED } from '../../src/keyset/planning/action.js';
import { decide } from '../../src/keyset/planning/order.js';
import { outcome } from '../../src/keyset/planning/outcome.js';
import { asManifestKnows } from '../../src/keyset/planning/recorded.js';
import type { RetireRequest } from '../../src/keyset/questions/incidents.js';
import { newKey } from './fixtures.js';
import { committed, decode } from './manifests.js';
import { remembers, thumb } from './recovery-scenes.js';
import { RETIRE, rotated, type Story, settled } from './story.js';

const [K, L, P] = [thumb('k'), thumb('l'), thumb('p')];

function held(kid: string | null, thumbprint: string, isGiven = false): HeldName {
  return { outlet: isGiven ? '/srv/ours.json' : '/srv/theirs.json', kid, thumbprint, isGiven };
}

function known(names: readonly HeldName[], record: KeysetRecord | null = remembers()): Witness {
  return { record, held: names };
}

function leaks(typed: string, of: Witness): string[] {
  return leaksNamed(typed, of, true).map(
    ({ kid, pair, also, isSure }) => `${kid} is ${pair} ${also.join(' ')}${isSure ? '' : '?'}`,
  );
}

describe('what leaked, where no manifest tells', () => {
  it('is the pair that this host has published under the kid, whatever else lies there', () => {
    const ours = held('key-1', K, true);
    const planted = [held('key-1', P), held('key-1', ''), held('other', K), held('key-1-more', P)];
    for (const typed of ['key-1', K]) expect(leaks(typed, known([...planted, ours]))).toEqual([`key-1 is ${K} `]);
    // What was typed is the whole name of another entry.
    expect(leaks('key-1-mo', known([held('key-1-mo', P), held('key-1-more', K, true)]))).toEqual([
      `key-1-more is ${K} `,
    ]);
  });

  it('is the pair that this host remembers in use under it, though no outlet holds that any more', () => {
    const record = { ...remembers(), named: [{ kid: 'key-1', thumbprint: K }] };
    for (const names of [[held('key-1', P)], [held('key-1', '')], [held('key-1', L), held(L, K)]])
      expect(leaks('key-1', known(names, record))).toEqual([`key-1 is ${K} `]);
  });

  it('is its own thumbprint, and nothing else that lies under it: that only loses its entry', () => {
    expect(leaks(K, known([held(K, P), held(K, L), held(null, L, true)]))).toEqual([`${K} is ${K} `]);
    expect(leaks(K, known([held(K, P), held('any', K)], null))).toEqual([`${K} is ${K} `]);
    // A kid from elsewhere may look like a thumbprint: a host without a record can't tell.
    expect(leaks(K, known([held(K, P), held(K, L)], null))).toEqual([`${K} is ${K} ${P} ${L}`]);
    expect(leaks(K, known([held(K, '')]))).toEqual([`${K} is ${K} `]);
    expect(leaks(K.slice(0, 12), known([held(K, K), held(`${K.slice(0, 12)}-evil`, P)]))).toEqual([`${K} is ${K} `]);
    expect(leaks(K, known([held('any', K), held(L, K)]))).toEqual([`${K} is ${K} `]);
  });

  it('is the one whose thumbprint begins so, whatever lies under just those characters', () => {
    const begun = K.slice(0, 8);
    const junk = held(begun, P);
    expect(leaks(begun, known([junk, held('x', K)]))).toEqual([`${K} is ${K} `]);
    expect(leaks(begun, known([junk, held('key-1', K, true)]))).toEqual([`key-1 is ${K} `]);
    const named = { ...remembers(), named: [{ kid: 'key-1', thumbprint: K }] };
    expect(leaks(begun, known([junk], named))).toEqual([`key-1 is ${K} `]);
    expect(leaks(K.slice(0, 7), known([held('x', K)]))).toEqual([]);
  });

  it('is what this host has retired under it, whatever that is called now', () => {
    const record = {
      ...remembers(),
      retired: [
        { kid: 'key-1', thumbprint: K },
        { kid: L, thumbprint: L },
      ],
    };
    const names = [held('x', K), held('y', L), held('key-more', P)];
    expect(leaks('key-1', known(names, record))).toEqual([`key-1 is ${K} ?`]);
    for (const typed of [L, L.slice(0, 8)]) expect(leaks(typed, known(names, record))).toEqual([`${L} is ${L} `]);
    // What lies under it now may be what leaked, too.
    expect(leaks('key-1', known([...names, held('key-1', P)], record))).toEqual([`key-1 is ${K} ${P}?`]);
  });

  it('is each pair that lies under it, where nothing tells which', () => {
    expect(leaks('key-1', known([held('key-1', P), held('key-1', L), held('key-1', '')]))).toEqual([
      `key-1 is null ${P} ${L}?`,
    ]);
    // Whoever fills one outlet does not displace what lies in another.
    const other = { ...held('key-1', K), outlet: '/srv/third.json' };
    expect(leaks('key-1', known([held('key-1', P), held('key-1', L), other]))).toEqual([
      `key-1 is null ${P} ${K} ${L}?`,
    ]);
    // Of two names nobody chooses one.
    expect(leaks('attacker', known([held('attacker-1', P), held('attacker-2', L)]))).toHaveLength(2);
    expect(leaks('attacker', known([held('attacker-1', P), held('attacker-2', P)], null))).toEqual([
      `attacker-1 is ${P} ?`,
    ]);
    expect(leaks('nobody-knows', known([held('attacker-1', P)]))).toEqual([]);
  });

  it('is no pair that this host knows by another name (trace 33)', () => {
    const record = { ...remembers(), named: [{ kid: 'key-2', thumbprint: K }] };
    const names = [held('key-1', P), held('key-1', L), held('key-1', K), held(L, L, true)];
    expect(leaks('key-1', known(names, record))).toEqual([`key-1 is null ${P}?`]);
  });

  it('is found in time that grows with what lies there', () => {
    const pairs = Array.from({ length: 20_000 }, (_, i) => thumb(`p${i}`));
    const names = pairs.flatMap((pair, i) => [held('key-1', pair), held(`own-${i}`, pair, i > 0)]);
    expect(leaks('key-1', known(names))).toEqual([`key-1 is null ${pairs[0]}?`]);
  });

  it('given itself goes by no name that another pair has', () => {
    const name = (names: readonly HeldName[], record: KeysetRecord | null, isBlind = false) => {
      const { kid, isSure } = leakOf(K, known(names, record), isBlind);
      return `${kid}${isSure ? '' : '?'}`;
    };
    expect(name([held(L, K), held(L, L)], null)).toBe(K);
    expect(name([held(L, K), held('key-1', K, true)], null)).toBe('key-1');
    expect(name([held(L, K)], { ...remembers(), named: [{ kid: 'key-1', thumbprint: K }] })).toBe('key-1');
    expect(name([held('theirs', K)], remembers())).toBe('theirs?');
    // This host would know its name, if it had another than its thumbprint.
    expect(name([held('theirs', K)], remembers(), true)).toBe(K);
    expect(name([held('theirs', K)], null, true)).toBe('theirs?');
  });
});

describe('a request for what outlets alone have named', () => {
  const planted = newKey('planted');
  const ask = (changes: Pick<RetireRequest, 'kid' | 'stray' | 'also' | 'isUnsure'>): RetireRequest => ({
    ...RETIRE,
    ...changes,
  });

  function recorded(story: Story, retire: RetireRequest): void {
    const request = { ...NOTHING_ASKED, incidentOnly: true, retire };
    const decision = decide({ ...story.input(), request });
    if (decision.type !== 'action' || decision.action.type !== 'record-retirement') throw new Error(decision.type);
    const now = { at: story.now, policy: story.input().policy };
    story.manifest = outcome(story.known, decision.action, now, { putsUntil: story.now });
  }

  it('records each pair that goes, and none that the manifest has in use', async () => {
    const story = settled();
    const [active] = story.known.keys;
    const inUse = { ...newKey('k1'), ...active, kid: active!.thumbprint } as LeakedKey;
    const also = [{ ...planted, kid: planted.thumbprint }, inUse];
    recorded(story, ask({ kid: 'theirs', stray: newKey('theirs'), also }));
    expect(story.states).toBe(`k1: active, ${planted.thumbprint}: retired, theirs: retired`);
    expect(story.known.retirements.map(({ kid }) => kid)).toEqual([planted.thumbprint, 'theirs']);
    await decode(encodeManifest(committed(story)));
    // Asked again, it is the same.
    recorded(story, ask({ kid: 'theirs', stray: newKey('theirs'), also }));
    expect(story.known.keys).toHaveLength(3);
  });

  it('enters as a tombstone where nothing but its name is known, and verifiers are looked at all the same', async () => {
    const story = settled();
    recorded(story, ask({ kid: 'gone', stray: { ...newKey('gone'), publicJwk: null } }));
    expect(story.states).toBe('k1: active, gone: destroyed');
    expect(story.known.retirements[0]).toMatchObject({ kid: 'gone', checkAgainAt: story.now });
    const stored = await decode(encodeManifest(committed(story)));
    expect(stored.keys.at(-1)).toMatchObject({ kid: 'gone', state: 'destroyed', publicJwk: null });
  });

  it('is for what the manifest has under that kid, or calls that pair, as soon as it can be read', () => {
    const { known: manifest } = rotated();
    const [former, active] = manifest.keys;
    const unsure = ask({ kid: 'k1', stray: { ...planted, kid: 'k1' }, isUnsure: true });
    const byKid = asManifestKnows(unsure, manifest);
    expect(byKid).toMatchObject({ kid: 'k1', also: [{ ...planted, kid: planted.thumbprint }] });
    expect(byKid.stray).toBeUndefined();
    const renamed = { ...newKey('k2'), ...active, kid: 'theirs' } as LeakedKey;
    const byPair = asManifestKnows(ask({ kid: 'theirs', stray: renamed, isUnsure: true }), manifest);
    expect({ kid: byPair.kid, stray: byPair.stray }).toEqual({ kid: 'k2', stray: undefined });
    for (const request of [
      ask({ kid: 'k1', stray: { ...planted, kid: 'k1' } }),
      ask({ kid: 'new', stray: newKey('new'), isUnsure: true }),
      ask({ kid: 'k1', stray: { ...newKey('k1'), ...former } as LeakedKey, isUnsure: true }),
    ])
      expect(asManifestKnows(request, manifest)).toBe(request);
    expect(asManifestKnows(unsure, null)).toBe(unsure);
  });
});
