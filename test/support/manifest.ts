import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import type { Algorithm } from '../../src/keyset/basics/algorithm.js';
import type { Key, PublicJwk } from '../../src/keyset/manifest/key.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import type { JweWrappedKey, KmsWrappedKey } from '../../src/keyset/manifest/wrapped-key.js';

/** The tests' own RFC 7638 thumbprint, by jose. */
export async function thumbprintOf(jwk: PublicJwk): Promise<string> {
  return calculateJwkThumbprint(jwk, 'sha256');
}

export interface TestPair {
  readonly alg: Algorithm;
  readonly publicJwk: PublicJwk;
  readonly thumbprint: string;
  /** PKCS#8 DER. */
  readonly privateKey: Uint8Array;
}

/** A new P-256 pair: quick to make. */
export async function newPair(): Promise<TestPair> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { crv, x, y } = publicKey.export({ format: 'jwk' });
  const publicJwk: PublicJwk = { kty: 'EC', crv: String(crv), x: String(x), y: String(y) };
  return {
    alg: 'ES256',
    publicJwk,
    thumbprint: await thumbprintOf(publicJwk),
    privateKey: new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' })),
  };
}

/** What a key of any state may have. */
export type KeyParts = { readonly [Part in keyof Key]?: Key[Part] };

/** What a key in each state must have. */
const LEAST: Readonly<Record<Key['state'], KeyParts>> = {
  creating: {},
  pending: {},
  active: { activatedAt: 1, signedFrom: 1 },
  deprecated: { signedFrom: 1, deprecatedAt: 1 },
  retired: { retiredAt: 1, reason: 'expired' },
  destroyed: { publicJwk: null, destroyedAt: 1, reason: 'expired' },
};

/** The manifest with one key changed in a way that no commit would. */
export function withParts(manifest: Manifest, kid: string, parts: KeyParts): Manifest {
  const keys = manifest.keys.map((key) => (key.kid === kid ? ({ ...key, ...parts } as Key) : key));
  return { ...manifest, keys };
}

/** A pending key, or whatever `parts` makes of it. */
export function keyOf(pair: TestPair, parts: KeyParts = {}): Key {
  return {
    kid: pair.thumbprint,
    thumbprint: pair.thumbprint,
    version: 1,
    alg: pair.alg,
    state: 'pending',
    publicJwk: pair.publicJwk,
    hasPrivate: true,
    createdAt: Date.UTC(2026, 0, 1),
    publishedAt: null,
    confirmedAt: null,
    activatedAt: null,
    signedFrom: null,
    deprecatedAt: null,
    signedUntil: null,
    maxTokenTtl: 0,
    verifyFor: 0,
    retiredAt: null,
    reason: null,
    droppedAt: null,
    goneAt: null,
    deleteAgainAt: null,
    destroyedAt: null,
    ...LEAST[parts.state ?? 'pending'],
    ...parts,
  } as Key;
}

/** A keyset's first manifest, valid and with a random commit id. */
export function firstManifest(name: string, changes: Partial<Manifest> = {}): Manifest {
  return {
    schema: 1,
    name,
    revision: 1,
    lineage: 'l1',
    formerLineages: [],
    commits: [{ id: randomUUID(), at: Date.UTC(2026, 0, 1) }],
    host: null,
    keys: [],
    rollout: null,
    reloadsUntil: null,
    signersOwed: false,
    refresh: null,
    verifiersOwedAt: null,
    retirements: [],
    lease: null,
    backoff: null,
    events: [],
    ...changes,
  };
}

/** The manifest after `former`: one revision more, a new random commit id at the end, the newest 64 kept. */
export function nextManifest(former: Manifest, changes: Partial<Manifest> = {}): Manifest {
  const at = (former.commits.at(-1)?.at ?? 0) + 1000;
  return {
    ...former,
    revision: former.revision + 1,
    commits: [...former.commits, { id: randomUUID(), at }].slice(-64),
    ...changes,
  };
}

/** `former` plus an event of this type, as a writer in a race adds it. */
export function withEvent(former: Manifest, type: string): Manifest {
  const event = { at: Date.UTC(2026, 0, 1), type, kid: null, detail: null };
  return nextManifest(former, { events: [...former.events, event] });
}

export function jweWrapped(pair: TestPair, text = 'one'): JweWrappedKey {
  return { kid: pair.thumbprint, alg: pair.alg, jwe: `e30..AAAA.${text}.AAAA` };
}

export function kmsWrapped(pair: TestPair, keyset: string, text = 'one'): KmsWrappedKey {
  return {
    kid: pair.thumbprint,
    alg: pair.alg,
    kmsKeyId: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    context: { 'jwtrot:keyset': keyset, 'jwtrot:kid': pair.thumbprint, 'jwtrot:alg': pair.alg },
    ciphertext: Buffer.from(text).toString('base64'),
  };
}
