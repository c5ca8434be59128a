import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeManifest, encodeManifest } from '../../src/keyset/manifest/encoding.js';
import type { Key } from '../../src/keyset/manifest/key.js';
import type { Rollout } from '../../src/keyset/manifest/model.js';

const FOLDER = join(import.meta.dirname, '../fixtures/manifests');
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));

/** The times of a key, and what else may be absent. */
const ALL = [
  ...['publishedAt', 'confirmedAt', 'activatedAt', 'signedFrom', 'deprecatedAt', 'signedUntil', 'retiredAt', 'reason'],
  ...['droppedAt', 'goneAt', 'deleteAgainAt', 'destroyedAt', 'publicJwk'],
] as const;
type Part = (typeof ALL)[number];

const BEFORE_USE = ['publishedAt', 'confirmedAt', 'deleteAgainAt'] as const;
const LIVED = [
  ...BEFORE_USE,
  'activatedAt',
  'signedFrom',
  'deprecatedAt',
  'signedUntil',
  'droppedAt',
  'goneAt',
] as const;
/** What a key of each kind has, and what it may have; of the rest it has nothing. */
const KINDS: Record<string, { readonly has: readonly Part[]; readonly mayHave: readonly Part[] }> = {
  creating: { has: ['publicJwk'], mayHave: [] },
  importing: {
    has: ['publicJwk', 'signedFrom'],
    mayHave: ['confirmedAt', 'activatedAt', 'deprecatedAt', 'reason', 'deleteAgainAt'],
  },
  pending: { has: ['publicJwk'], mayHave: [...BEFORE_USE, 'signedFrom'] },
  active: { has: ['publicJwk', 'activatedAt', 'signedFrom'], mayHave: BEFORE_USE },
  deprecated: {
    has: ['publicJwk', 'signedFrom', 'deprecatedAt'],
    mayHave: [...BEFORE_USE, 'activatedAt', 'signedUntil', 'reason'],
  },
  retired: { has: ['publicJwk', 'retiredAt', 'reason'], mayHave: LIVED },
  destroyed: { has: ['reason', 'destroyedAt'], mayHave: [...LIVED, 'retiredAt'] },
};

function kindOf(key: Key): string {
  return key.state === 'creating' && key.signedFrom !== null ? 'importing' : key.state;
}

/** What is amiss with a key of its kind. */
function misfits(key: Key): string[] {
  const { has = [], mayHave = [] } = KINDS[kindOf(key)] ?? {};
  const wrong = ALL.filter((part) => (key[part] === null ? has.includes(part) : ![...has, ...mayHave].includes(part)));
  if (key.state === 'active' && !key.hasPrivate) return [...wrong, 'hasPrivate'];
  return wrong;
}

function wayOf({ rollout }: { readonly rollout: Rollout | null }): string {
  return rollout === null ? 'settled' : `${rollout.direction}-${rollout.phase}`;
}

function decode(text: string) {
  // Of the simulation's keys, which have all but their name in common.
  return decodeManifest(text, 'api', 'the fixture', async (jwk) => ('x' in jwk ? jwk.x : jwk.n));
}

/*
 * Manifests as jwtrot wrote them while a key was a flat record, of each kind of history that the simulation plays. A file is
 * named for the kinds of its keys and where its rollout stands.
 */
describe('a manifest that was stored before keys had a type for each state', () => {
  it.each(FILES)('%s is read, and written back to the byte', async (file) => {
    const stored = readFileSync(join(FOLDER, file), 'utf8');
    const manifest = await decode(stored);
    expect(encodeManifest(manifest)).toBe(stored);
    expect(`${manifest.keys.map(kindOf).join('-')}.${wayOf(manifest)}`).toBe(
      basename(file).split('.').slice(0, 2).join('.'),
    );
    for (const key of manifest.keys) expect(misfits(key), `${key.kid} (${key.state})`).toEqual([]);
  });

  it('is read though something is left of another state that nobody reads in this one', async () => {
    const stored = readFileSync(join(FOLDER, 'active-pending.forward-verify.json'), 'utf8');
    const json = JSON.parse(stored) as { keys: object[]; rollout: object };
    const [active = {}, pending = {}] = json.keys;
    const at = '2026-01-01T00:00:00.000Z';
    Object.assign(active, { deprecatedAt: at, reason: 'failed' });
    Object.assign(pending, { activatedAt: at, droppedAt: at });
    Object.assign(json.rollout, { signersAnswered: true });
    expect(encodeManifest(await decode(JSON.stringify(json)))).toBe(stored);
  });

  it('is there with every kind of key, and at every stage of a rollout', () => {
    const keys = FILES.flatMap((file) => file.split('.')[0]?.split('-') ?? []);
    expect(new Set(keys)).toEqual(new Set(Object.keys(KINDS)));
    const forward = ['store', 'publish', 'verify', 'ahead', 'switch'].map((phase) => `forward-${phase}`);
    expect(new Set(FILES.map((file) => file.split('.')[1]))).toEqual(new Set([...forward, 'back-switch', 'settled']));
  });
});
