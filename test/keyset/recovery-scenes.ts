import type { KeysetRecord } from '../../src/keyset/history/record.js';
import type { Key } from '../../src/keyset/manifest/key.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import type {
  Evidence,
  NamedKey,
  OutletEvidence,
  RecoveryRequest,
  SecretEvidence,
  SeenKey,
  ServiceEvidence,
} from '../../src/keyset/recovery/evidence.js';
import { firstManifest, type KeyParts } from '../support/manifest.js';
import { newKey, START } from './fixtures.js';

export const NOTHING_SAID: RecoveryRequest = { retired: [], noneRetired: false, adopt: [] };
export const NONE_RETIRED: RecoveryRequest = { ...NOTHING_SAID, noneRetired: true };

export const thumb = (kid: string): string => newKey(kid).thumbprint;

export function key(kid: string, state: Key['state'], parts: KeyParts = {}): Key {
  const used =
    state === 'active' || state === 'deprecated' ? { signedFrom: START, activatedAt: START, publishedAt: START } : {};
  const gone = state === 'retired' || state === 'destroyed' ? { retiredAt: START, reason: 'expired' as const } : {};
  return {
    ...newKey(kid),
    version: Number(kid.slice(1)) || 1,
    state,
    createdAt: START,
    publishedAt: null,
    confirmedAt: null,
    activatedAt: null,
    signedFrom: null,
    deprecatedAt: state === 'deprecated' ? START : null,
    signedUntil: state === 'deprecated' ? START + 1 : null,
    maxTokenTtl: 0,
    verifyFor: 0,
    retiredAt: null,
    reason: null,
    droppedAt: null,
    goneAt: null,
    deleteAgainAt: null,
    destroyedAt: state === 'destroyed' ? START : null,
    ...used,
    ...gone,
    ...(state === 'destroyed' ? { publicJwk: null } : {}),
    ...parts,
  } as Key;
}

/** Revision 90 of history `l1`, as a backup has it. */
export function restored(keys: Key[], changes: Partial<Manifest> = {}): Manifest {
  return firstManifest('api', { revision: 90, lineage: 'l1', commits: [{ id: 'c90', at: START }], keys, ...changes });
}

/** What the host remembers of revision 100 of it. */
export function remembers(...retired: string[]): KeysetRecord {
  const named = retired.map((kid) => ({ kid, thumbprint: thumb(kid) }));
  return { keyset: 'api', lineage: 'l1', revision: 100, commit: 'c100', retired: named, outlets: [] };
}

export function seen(kid: string, changes: Partial<SeenKey> = {}): SeenKey {
  const { thumbprint, alg, publicJwk } = newKey(kid);
  return { kid, thumbprint, alg, publicJwk, ...changes };
}

const RECORD = { keyset: 'api', lineage: 'l1', revision: 100 } as const;

/** A JWKS file that holds what this host gave it. */
export function jwks(kids: readonly string[], changes: Partial<OutletEvidence> = {}): OutletEvidence {
  const base = {
    outlet: '/srv/jwks.json',
    kind: 'publish',
    format: 'jwks',
    isGiven: true,
    record: RECORD,
    problem: null,
  } as const;
  return { ...base, keys: kids.map((kid) => seen(kid)), ...changes };
}

/** A delivered file that holds what this host gave it. */
export function delivered(kid: string, changes: Partial<OutletEvidence> = {}): OutletEvidence {
  return { ...jwks([kid]), outlet: '/run/api.jwk', kind: 'deliver', format: 'jwk', ...changes };
}

export function secrets(...kids: string[]): SecretEvidence[] {
  return kids.map((kid) => ({ ...seen(kid), isDeleted: false, problem: null }));
}

export function deleted(kid: string): SecretEvidence {
  return { ...seen(kid, { publicJwk: null, alg: null }), isDeleted: true, problem: null };
}

export function signer(kid: string): ServiceEvidence {
  return { service: 'issuer', instance: 'issuer', signs: true, kid, kids: [], error: null };
}

export function verifier(...kids: string[]): ServiceEvidence {
  return { service: 'gateway', instance: 'gateway', signs: false, kid: null, kids, error: null };
}

export function evidence(changes: Partial<Evidence>): Evidence {
  return { keyset: 'api', manifest: null, record: null, outlets: [], services: [], secrets: [], ...changes };
}

/** `--retired KID`. */
export function named(kid: string, changes: Partial<NamedKey> = {}): NamedKey {
  return { kid, thumbprint: null, standIn: `s-${kid}`.padEnd(43, '_'), alg: null, publicJwk: null, ...changes };
}
