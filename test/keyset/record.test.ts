import { describe, expect, it } from 'vitest';
import { isNewestKnown, mayBeOld, otherHistory } from '../../src/keyset/history/other-history.js';
import {
  type KeysetRecord,
  MOST_RETIRED,
  recorded,
  retiredElsewhere,
  returnedKey,
} from '../../src/keyset/history/record.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { firstManifest, keyOf, newPair } from '../support/manifest.js';

const [one, two] = [await newPair(), await newPair()];
const commits = (...ids: string[]) => ids.map((id, i) => ({ id, at: i }));

/** Revision 3 of history `a`: one key in use. */
const manifest: Manifest = firstManifest('api', {
  lineage: 'a',
  revision: 3,
  commits: commits('c1', 'c2', 'c3'),
  keys: [keyOf(one, { state: 'pending' })],
});
const record = recorded(null, manifest) as KeysetRecord;

describe('what a host remembers', () => {
  it('is the newest revision and its commit', () => {
    expect(record).toEqual({ keyset: 'api', lineage: 'a', revision: 3, commit: 'c3', retired: [], outlets: [] });
  });

  it('is which pair a kid names that is no thumbprint, for as long as that is in use', () => {
    const named = [{ thumbprint: two.thumbprint, kid: 'key-1' }];
    const imported = { ...manifest, keys: [keyOf(one), keyOf(two, { kid: 'key-1', version: 2 })] };
    expect(recorded(null, imported)).toEqual({ ...record, named });
    const next = { ...imported, revision: 4, commits: commits('c1', 'c2', 'c3', 'c4') };
    const known = recorded(record, next);
    expect(known).toEqual({ ...record, named, revision: 4, commit: 'c4' });
    const gone = keyOf(two, { kid: 'key-1', version: 2, state: 'retired' });
    const last = recorded(known, {
      ...next,
      revision: 5,
      commits: [...next.commits, { id: 'c5', at: 4 }],
      keys: [gone],
    });
    expect(last).toEqual({ ...record, revision: 5, commit: 'c5', retired: named });
  });

  it('keeps each retired key, also when the manifest has forgotten it', () => {
    const retired = { ...manifest, keys: [keyOf(one, { state: 'retired', kid: 'old-1' })] };
    const first = recorded(record, retired);
    expect(first?.retired).toEqual([{ thumbprint: one.thumbprint, kid: 'old-1' }]);
    expect(recorded(first, { ...manifest, keys: [] })?.retired).toEqual(first?.retired);
    expect(recorded(first, retired)?.retired).toHaveLength(1);
  });

  it('marks a retired key until verifiers were rechecked, and keeps the mark where the manifest is lost', () => {
    const { thumbprint } = one;
    const retirement = {
      kid: 'old-1',
      reason: 'compromised',
      requestedAt: 1,
      deadlineAt: 2,
      noReplacement: false,
      purge: false,
      checkAgainAt: null,
    } as const;
    const gone = { ...manifest, revision: 4, commits: commits('c1', 'c2', 'c3', 'c4') };
    const keys = [keyOf(one, { state: 'retired', kid: 'old-1' })];
    const open = recorded(record, { ...gone, keys, retirements: [retirement] });
    expect(open?.retired).toEqual([{ thumbprint, kid: 'old-1', isLeaving: true }]);
    const next = { ...gone, revision: 5, commits: commits('c1', 'c2', 'c3', 'c4', 'c5') };
    expect(recorded(open, { ...next, keys: [] })?.retired).toEqual(open?.retired);
    const dropped = [keyOf(one, { state: 'retired', kid: 'old-1', droppedAt: 3 })];
    const looked = { ...next, keys: dropped, retirements: [{ ...retirement, checkAgainAt: 9 }] };
    expect(recorded(open, looked)?.retired).toEqual(open?.retired);
    expect(recorded(open, { ...looked, retirements: [] })?.retired).toEqual([{ thumbprint, kid: 'old-1' }]);
  });

  it('forgets the oldest beyond its bound', () => {
    const many = Array.from({ length: MOST_RETIRED }, (_, i) => ({ thumbprint: `t${i}`, kid: `k${i}` }));
    const next = recorded({ ...record, retired: many }, { ...manifest, keys: [keyOf(one, { state: 'destroyed' })] });
    expect(next?.retired).toHaveLength(MOST_RETIRED);
    expect(next?.retired.at(-1)?.thumbprint).toBe(one.thumbprint);
    expect(next?.retired[0]?.kid).toBe('k1');
  });

  it('forgets nothing for a pair that may be planted, and always has the key that was asked for (trace 33)', () => {
    const asked = { reason: 'compromised', requestedAt: 1, deadlineAt: 2, noReplacement: false } as const;
    const retirement = (kid: string) => ({ ...asked, kid, purge: false, checkAgainAt: null });
    const entered = (kid: string) =>
      keyOf({ ...one, thumbprint: `pair of ${kid}` }, { state: 'retired', kid, publishedAt: 5, retiredAt: 5 });
    const kids = ['p1', 'p2', 'leaked'];
    const incident = { ...manifest, keys: kids.map(entered), retirements: kids.map(retirement) };
    const before = (count: number) => Array.from({ length: count }, (_, i) => ({ thumbprint: `t${i}`, kid: `k${i}` }));
    for (const [known, first, last] of [
      [MOST_RETIRED - 2, 'k0', ['p1', 'leaked']],
      [MOST_RETIRED, 'k1', [`k${MOST_RETIRED - 1}`, 'leaked']],
    ] as const) {
      const former = { ...record, retired: before(known) };
      for (const next of [recorded(former, incident), retiredElsewhere(former, incident)]) {
        expect(next?.retired).toHaveLength(MOST_RETIRED);
        expect(next?.retired[0]?.kid).toBe(first);
        expect(next?.retired.slice(-2).map(({ kid }) => kid)).toEqual(last);
        expect(retiredElsewhere(next!, incident)).toBe(next);
      }
    }
  });

  it('is nothing of a manifest that names no history yet', () => {
    expect(recorded(null, { ...manifest, lineage: null })).toBeNull();
    expect(recorded(record, { ...manifest, lineage: null })).toBe(record);
  });

  it('is the very same where nothing is new, so that nothing is written', () => {
    expect(recorded(record, manifest)).toBe(record);
  });

  it('never goes back: a run that was stopped after its commit may have been overtaken', () => {
    const later = { ...manifest, revision: 4, commits: commits('c1', 'c2', 'c3', 'c4') };
    const newest = recorded(record, later);
    const overtaken = { ...manifest, keys: [keyOf(one, { state: 'retired' })] };
    expect(recorded(newest, overtaken)).toEqual({
      ...newest,
      retired: [{ thumbprint: one.thumbprint, kid: one.thumbprint }],
    });
    expect(recorded(newest, manifest)).toBe(newest);
  });

  it('changes its lineage only to one that was recovered from it, and keeps what it knows of outlets', () => {
    const given = { ...record, outlets: [{ outlet: '/srv/jwks.json', sha256: 'x' }] };
    const other = { ...manifest, lineage: 'b', revision: 1_000_004, commits: commits('r1') };
    expect(recorded(given, other)).toBe(given);
    const expected = { ...given, lineage: 'b', revision: 1_000_004, commit: 'r1' };
    expect(recorded(given, { ...other, formerLineages: ['a'] })).toEqual(expected);
  });

  it('of another history is what an operator retired there, and nothing else', () => {
    const keys = [keyOf(one, { state: 'retired' }), keyOf(two, { state: 'destroyed' })];
    const retirement = {
      ...{ kid: one.thumbprint, reason: 'compromised' as const, requestedAt: 0, deadlineAt: 0, checkAgainAt: null },
      ...{ noReplacement: false, purge: false },
    };
    const there = { ...manifest, lineage: 'b', revision: 9, keys, retirements: [retirement] };
    const next = retiredElsewhere(record, there);
    // Nobody there sees verifiers without it.
    const retired = [{ thumbprint: one.thumbprint, kid: one.thumbprint, isLeaving: true }];
    expect(next).toEqual({ ...record, retired });
    expect(retiredElsewhere(next, there)).toBe(next);
  });
});

describe('another history', () => {
  const later = { ...manifest, revision: 5, commits: commits('c1', 'c2', 'c3', 'c4', 'c5') };

  it('is none where the host knows nothing, or the manifest has gone on', () => {
    expect(otherHistory(null, manifest)).toBeNull();
    expect(otherHistory(record, manifest)).toBeNull();
    expect(otherHistory(record, later)).toBeNull();
  });

  it('is a keyset that is gone', () => {
    expect(otherHistory(record, null)).toEqual({ why: 'lost' });
    expect(otherHistory(null, null)).toBeNull();
  });

  it('is a lower revision', () => {
    expect(otherHistory(recorded(record, later), manifest)).toEqual({ why: 'lower-revision' });
  });

  it('is another commit at the revision that the host knows', () => {
    const other = { ...later, commits: commits('c1', 'c2', 'x3', 'x4', 'x5') };
    expect(otherHistory(record, other)).toEqual({ why: 'commit' });
    // Not among those that the manifest keeps any more: it can't be told.
    expect(otherHistory(record, { ...other, commits: commits('x5') })).toBeNull();
  });

  it('is another lineage, unless the manifest names the one that the host knows as a former one', () => {
    expect(otherHistory(record, { ...later, lineage: 'b' })).toEqual({ why: 'lineage' });
    expect(otherHistory(record, { ...later, lineage: null })).toEqual({ why: 'lineage' });
    expect(otherHistory(record, { ...manifest, revision: 1, lineage: 'b', formerLineages: ['a'] })).toBeNull();
  });

  it('is one in which a key is in use that the host has seen retired, under whatever kid', () => {
    const seen = { ...record, retired: [{ thumbprint: one.thumbprint, kid: 'its former name' }] };
    // The very commit that the host knows is in it: the host alone knows of the retirement.
    expect(otherHistory(seen, later)).toEqual({
      why: 'retired-key',
      knownAs: 'its former name',
      kid: one.thumbprint,
      isUntold: true,
    });
    const longAgo = { ...later, commits: commits('x5') };
    expect(otherHistory(seen, longAgo)).toEqual({
      why: 'retired-key',
      kid: one.thumbprint,
      knownAs: 'its former name',
    });
    expect(otherHistory(seen, { ...later, keys: [keyOf(one, { state: 'destroyed' }), keyOf(two)] })).toBeNull();
    expect(returnedKey(seen, later)?.kid).toBe(one.thumbprint);
    // A clash of names alone is none.
    const named = { ...record, retired: [{ thumbprint: two.thumbprint, kid: one.thumbprint }] };
    expect(otherHistory(named, later)).toBeNull();
  });
});

describe('what is read', () => {
  it('may be old where it is of a lower revision, whatever its lineage, or nothing at all', () => {
    expect(mayBeOld(record, null)).toBe(true);
    expect(mayBeOld(record, { ...manifest, revision: 2, lineage: 'b' })).toBe(true);
    expect(mayBeOld(record, manifest)).toBe(false);
    expect(mayBeOld(null, null)).toBe(false);
  });

  it('is known by its newest commit', () => {
    expect(isNewestKnown(record, manifest)).toBe(true);
    expect(isNewestKnown(record, { ...manifest, commits: commits('c1', 'c2', 'c3', 'c4') })).toBe(false);
    expect(isNewestKnown(null, manifest)).toBe(false);
  });
});
