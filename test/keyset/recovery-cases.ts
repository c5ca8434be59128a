import type { Evidence, RecoveryRequest } from '../../src/keyset/recovery/evidence.js';
import {
  deleted,
  delivered,
  evidence,
  jwks,
  key,
  NONE_RETIRED,
  NOTHING_SAID,
  named,
  remembers,
  restored,
  secrets,
  signer,
  thumb,
  verifier,
} from './recovery-scenes.js';

export interface Expected {
  /** Null: the manifest's history goes on. */
  readonly because: string | null;
  /** `same` is left out. */
  readonly fates: Record<string, string>;
  readonly refusal?: string;
  readonly mended?: string[];
}

export type Case = readonly [name: string, evidence: Evidence, request: RecoveryRequest, expected: Expected];

const K1 = key('k1', 'deprecated');
const K2 = key('k2', 'active');
const DELETED = key('k1', 'retired', { goneAt: 1, droppedAt: 1 });
export const OLD = restored([K1, K2]);

export const CASES: readonly Case[] = [
  [
    'a store that is what this host knows: nothing to do',
    evidence({
      manifest: { ...OLD, revision: 100, commits: [{ id: 'c100', at: 0 }] },
      record: remembers(),
      secrets: secrets('k1', 'k2'),
      outlets: [jwks(['k1', 'k2'])],
    }),
    NOTHING_SAID,
    { because: null, fates: {} },
  ],
  [
    'restored after a retire: what this host has seen retired stays retired, though the manifest has it active',
    evidence({
      manifest: OLD,
      record: remembers('k2'),
      secrets: [...secrets('k1', 'k3'), deleted('k2')],
      outlets: [jwks(['k1', 'k3']), delivered('k3')],
    }),
    NOTHING_SAID,
    { because: 'lower-revision', fates: { k1: 'deprecated', k2: 'retired', k3: 'active' } },
  ],
  [
    'secrets from before their deletion: what is retired, or a tombstone, has its private half deleted once more',
    evidence({
      manifest: restored([
        key('k3', 'destroyed'),
        DELETED,
        key('k4', 'retired'),
        K2,
        key('k5', 'retired', { hasPrivate: false }),
      ]),
      record: { ...remembers(), revision: 90, commit: 'c90' },
      secrets: secrets('k3', 'k1', 'k4', 'k2', 'k5'),
    }),
    NOTHING_SAID,
    { because: null, fates: { k3: 'retired', k1: 'retired', k5: 'retired' } },
  ],
  [
    'a new key that lies in one outlet, and that nobody signs with, goes through the gate',
    evidence({
      manifest: restored([key('k1', 'creating')]),
      record: remembers(),
      secrets: secrets('k1'),
      outlets: [jwks(['k1']), jwks([], { outlet: '/srv/other.json', keys: null, isGiven: false })],
    }),
    NOTHING_SAID,
    { because: 'lower-revision', fates: { k1: 'pending' } },
  ],
  [
    'the same pair under another kid is the same key (trace 23)',
    evidence({
      manifest: restored([key('k2', 'active', { kid: 'key-2' })]),
      record: { ...remembers(), retired: [{ kid: 'key-1', thumbprint: thumb('k2') }] },
      secrets: secrets('k2'),
    }),
    NOTHING_SAID,
    { because: 'lower-revision', fates: { 'key-2': 'retired' } },
  ],
  [
    'a mere clash of kids is no retirement',
    evidence({
      manifest: OLD,
      record: { ...remembers(), retired: [{ kid: 'k2', thumbprint: thumb('other') }] },
      secrets: secrets('k1', 'k2'),
    }),
    NOTHING_SAID,
    { because: 'lower-revision', fates: { k1: 'deprecated', k2: 'active', 'k2 (other)': 'tombstone' } },
  ],
  [
    'the newest manifest is damaged, and this host has seen it: the one before it goes on',
    evidence({
      manifest: OLD,
      damage: { what: 'the manifest of keyset api is damaged', revision: remembers().revision },
      record: remembers('k1'),
      secrets: secrets('k1', 'k2'),
      outlets: [jwks(['k2']), delivered('k2')],
    }),
    NOTHING_SAID,
    { because: 'damaged', fates: { k1: 'retired', k2: 'active' } },
  ],
  [
    'the newest manifest is damaged, and this host has not seen it: it may have retired a key',
    evidence({
      manifest: OLD,
      damage: { what: 'the manifest of keyset api is damaged', revision: remembers().revision + 1 },
      record: remembers('k1'),
      secrets: secrets('k1', 'k2'),
      outlets: [jwks(['k2']), delivered('k2')],
    }),
    NOTHING_SAID,
    { because: 'damaged', fates: { k1: 'retired', k2: 'active' }, refusal: 'retirements-unknown' },
  ],
  [
    'what is remembered is from an outlet alone: keys may have been retired that nobody here knows of',
    evidence({
      manifest: OLD,
      record: { ...remembers('k1'), commit: 'unknown' },
      secrets: secrets('k1', 'k2'),
      outlets: [jwks(['k2']), delivered('k2')],
    }),
    NOTHING_SAID,
    { because: 'lower-revision', fates: { k1: 'retired', k2: 'active' }, refusal: 'retirements-unknown' },
  ],
  [
    'the store is lost: keys come from outlets that hold what they were given, and the signer’s is stored anew',
    evidence({
      record: remembers('k1'),
      outlets: [jwks(['k2', 'k3']), delivered('k3')],
      services: [signer('k3'), verifier('k2', 'k3')],
    }),
    NOTHING_SAID,
    { because: 'lost', fates: { k1: 'tombstone', k2: 'deprecated', k3: 'active' } },
  ],
  [
    'an attacker’s key in a shared JWKS directory is not adopted (trace 22)',
    evidence({
      record: remembers(),
      outlets: [jwks(['k2', 'evil'], { isGiven: false, record: 'kept nowhere' }), delivered('k2')],
      services: [verifier('k2', 'evil')],
    }),
    NOTHING_SAID,
    { because: 'lost', fates: { k2: 'active' }, refusal: 'undecided-keys' },
  ],
  [
    'the attacker’s key is a tombstone once it is named, and so is what its name alone is known of',
    evidence({
      record: remembers(),
      outlets: [jwks(['k2', 'evil'], { isGiven: false, record: 'kept nowhere' }), delivered('k2')],
    }),
    { ...NOTHING_SAID, retired: [named('evil'), named('leaked')] },
    { because: 'lost', fates: { k2: 'active', evil: 'retired', leaked: 'tombstone' } },
  ],
  [
    'host B, off since long, still holds a key that was retired elsewhere: it adds its own tombstones, no history (traces 22, 25)',
    evidence({
      manifest: restored([key('k2', 'active')], { lineage: 'l2', formerLineages: ['l1'], revision: 1_000_100 }),
      record: remembers('k1'),
      secrets: secrets('k2'),
      outlets: [jwks(['k0', 'k1'], { outlet: '/srv/b.json' })],
    }),
    { ...NOTHING_SAID, retired: [named('k0')] },
    { because: null, fates: { k0: 'retired', k1: 'retired' } },
  ],
  [
    'and where the first host did not know that a key in use was retired, it is',
    evidence({
      manifest: restored([K1, K2], { lineage: 'l2', formerLineages: ['l1'], revision: 1_000_100 }),
      record: remembers('k1'),
      secrets: secrets('k1', 'k2'),
    }),
    NOTHING_SAID,
    { because: null, fates: { k1: 'retired' } },
  ],
  [
    'two hosts that recovered apart: the second names both histories (trace 25)',
    evidence({
      manifest: restored([K2], { lineage: 'l2', revision: 1_000_100 }),
      record: remembers('k1'),
      secrets: secrets('k2'),
      outlets: [jwks(['k2'])],
    }),
    NOTHING_SAID,
    { because: 'lineage', fates: { k1: 'tombstone', k2: 'active' } },
  ],
  [
    'a secret made after the backup is adopted where an outlet vouches for it, else it goes (trace 29)',
    evidence({
      manifest: OLD,
      record: remembers(),
      secrets: secrets('k1', 'k2', 'k3', 'k4'),
      outlets: [jwks(['k1', 'k2', 'k3'])],
    }),
    NOTHING_SAID,
    { because: 'lower-revision', fates: { k1: 'deprecated', k2: 'active', k3: 'deprecated', k4: 'retired' } },
  ],
  [
    'a secret made after the backup that services use is not decided by itself',
    evidence({ manifest: OLD, record: remembers(), secrets: secrets('k1', 'k2', 'k3'), services: [signer('k3')] }),
    NOTHING_SAID,
    { because: 'lower-revision', fates: { k1: 'deprecated', k2: 'active', k3: 'retired' }, refusal: 'undecided-keys' },
  ],
  [
    'named by its thumbprint it is adopted, and signs on',
    evidence({ manifest: OLD, record: remembers(), secrets: secrets('k1', 'k2', 'k3'), services: [signer('k3')] }),
    { ...NOTHING_SAID, adopt: [thumb('k3')] },
    { because: 'lower-revision', fates: { k1: 'deprecated', k2: 'deprecated', k3: 'active' } },
  ],
  [
    'an unknown secret whose deletion was ordered was retired',
    evidence({ manifest: OLD, record: remembers(), secrets: [...secrets('k1', 'k2'), deleted('k5')] }),
    NOTHING_SAID,
    { because: 'lower-revision', fates: { k1: 'deprecated', k2: 'active', k5: 'tombstone' } },
  ],
  [
    'a key whose secret is lost verifies on',
    evidence({
      manifest: OLD,
      record: remembers(),
      secrets: secrets('k1'),
      outlets: [jwks(['k1', 'k2'])],
      services: [signer('k2')],
    }),
    NOTHING_SAID,
    { because: 'lower-revision', fates: { k1: 'active', k2: 'deprecated' } },
  ],
  [
    'a pending key is published anew',
    evidence({
      manifest: restored([K2, key('k3', 'pending', { publishedAt: 1, confirmedAt: 2 })]),
      record: remembers(),
      secrets: secrets('k2', 'k3'),
    }),
    NOTHING_SAID,
    { because: 'lower-revision', fates: { k2: 'active', k3: 'pending' } },
  ],
  [
    'a pending key that signers hold by now signs',
    evidence({
      manifest: restored([K2, key('k3', 'pending')]),
      record: remembers(),
      secrets: secrets('k2', 'k3'),
      services: [signer('k3')],
    }),
    NOTHING_SAID,
    { because: 'lower-revision', fates: { k2: 'deprecated', k3: 'active' } },
  ],
  [
    'what was being stored when the backup was taken stays only where somebody holds it',
    evidence({
      manifest: restored([K2, key('k3', 'creating'), key('k4', 'creating')]),
      record: remembers(),
      secrets: secrets('k2', 'k3', 'k4'),
      outlets: [jwks(['k2', 'k3'])],
    }),
    NOTHING_SAID,
    { because: 'lower-revision', fates: { k2: 'active', k3: 'deprecated', k4: 'retired' } },
  ],
  [
    'a host that remembers nothing, a key in its outlet that the store has not published yet: the store is older',
    evidence({
      manifest: restored([key('k1', 'creating')]),
      outlets: [jwks(['k1'], { isGiven: false, record: 'kept nowhere' })],
    }),
    NONE_RETIRED,
    { because: 'unpublished', fates: { k1: 'deprecated' } },
  ],
  [
    'the same, where a service alone tells of it',
    evidence({
      manifest: restored([K2, key('k3', 'creating')]),
      secrets: secrets('k2', 'k3'),
      services: [verifier('k2', 'k3')],
    }),
    NOTHING_SAID,
    { because: 'unpublished', fates: { k2: 'active', k3: 'deprecated' }, refusal: 'retirements-unknown' },
  ],
  [
    'a key that was named, and that nobody holds, is the next run’s affair',
    evidence({ manifest: restored([K2, key('k3', 'creating')]), secrets: secrets('k2'), services: [verifier('k2')] }),
    NOTHING_SAID,
    { because: null, fates: {} },
  ],
  [
    'a host that remembers nothing, a store that an outlet is ahead of: retirements may be unknown (trace 26)',
    evidence({ manifest: OLD, secrets: secrets('k1', 'k2'), outlets: [jwks(['k1', 'k2'], { isGiven: false })] }),
    NOTHING_SAID,
    {
      because: 'outlet-ahead',
      fates: { k1: 'deprecated', k2: 'active' },
      refusal: 'retirements-unknown',
      mended: ['/srv/jwks.json'],
    },
  ],
  [
    'and with the operator’s word for it',
    evidence({ manifest: OLD, secrets: secrets('k1', 'k2'), outlets: [jwks(['k1', 'k2'], { isGiven: false })] }),
    NONE_RETIRED,
    { because: 'outlet-ahead', fates: { k1: 'deprecated', k2: 'active' }, mended: ['/srv/jwks.json'] },
  ],
  [
    'a record that is older than an outlet’s is not the last writer’s',
    evidence({
      manifest: OLD,
      record: remembers(),
      secrets: secrets('k1', 'k2'),
      outlets: [jwks(['k1', 'k2'], { record: { keyset: 'api', lineage: 'l1', revision: 107 } })],
    }),
    NOTHING_SAID,
    {
      because: 'lower-revision',
      fates: { k1: 'deprecated', k2: 'active' },
      refusal: 'retirements-unknown',
      mended: ['/srv/jwks.json'],
    },
  ],
  [
    'a damaged record of the host is none',
    evidence({ manifest: OLD, record: 'damaged', secrets: [...secrets('k1'), deleted('k2')] }),
    NOTHING_SAID,
    { because: 'secret-gone', fates: { k1: 'active', k2: 'deprecated' }, refusal: 'retirements-unknown' },
  ],
  [
    'poisoned outlet records alone are made anew, and the history goes on (trace 21)',
    evidence({
      manifest: { ...OLD, revision: 100, commits: [{ id: 'c100', at: 0 }] },
      record: remembers(),
      secrets: secrets('k1', 'k2'),
      outlets: [
        jwks(['k1', 'k2'], { outlet: '/a', record: 'damaged' }),
        jwks(['k1', 'k2'], { outlet: '/b', record: { keyset: 'api', lineage: 'l1', revision: 9e15 } }),
        jwks(['k1', 'k2'], { outlet: '/c', record: { keyset: 'api', lineage: 'evil', revision: 1 } }),
        jwks(['k1', 'k2'], { outlet: '/d' }),
      ],
    }),
    NOTHING_SAID,
    { because: null, fates: {}, mended: ['/a', '/b', '/c'] },
  ],
  [
    'a retired key is adopted by nobody',
    evidence({ manifest: OLD, record: remembers('k3'), secrets: secrets('k1', 'k2', 'k3') }),
    { ...NOTHING_SAID, adopt: [thumb('k3')] },
    { because: 'lower-revision', fates: { k1: 'deprecated', k2: 'active', k3: 'retired' }, refusal: 'retired-key' },
  ],
  [
    'an outlet that holds another key under a known kid can’t be written over',
    evidence({
      manifest: OLD,
      record: remembers(),
      secrets: secrets('k1', 'k2'),
      outlets: [jwks([], { isGiven: false, keys: [{ ...jwks(['other']).keys![0]!, kid: 'k2' }] })],
    }),
    NOTHING_SAID,
    { because: 'lower-revision', fates: { k1: 'deprecated', k2: 'active' }, refusal: 'kid-clash', mended: [] },
  ],
];
