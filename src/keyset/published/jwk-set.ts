import type { Algorithm } from '../basics/algorithm.js';
import type { Instant } from '../basics/clock.js';
import type { Key, PublicJwk, Tombstone } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import { isRetired } from '../manifest/states.js';
import { wasGivenUp } from '../questions/given-up.js';
import { activeKey, publishedKeys } from '../questions/keys.js';
import { isIncident } from '../questions/open-incidents.js';
import { type Told, wantedTold } from './told.js';

/** A JWK as it is published (RFC 7517 section 4). */
export type PublishedJwk = PublicJwk & { readonly kid: string; readonly alg: Algorithm; readonly use: 'sig' };

export interface JwkSet {
  readonly keys: readonly PublishedJwk[];
}

/** The content that outlets must hold. */
export interface OutletContent {
  readonly keyset: string;
  /** The manifest's history, and those it was recovered from. Null: jwtrot 0.1.0 wrote it. */
  readonly lineage: string | null;
  readonly formerLineages: readonly string[];
  readonly revision: number;
  /** The id of the newest commit; null before the first. */
  readonly commit: string | null;
  readonly jwks: JwkSet;
  /** The keys in `jwks`. */
  readonly published: readonly Pick<Key, 'kid' | 'thumbprint'>[];
  /** The key to deliver; null if there is none. */
  readonly active: {
    readonly kid: string;
    readonly thumbprint: string;
    readonly alg: Algorithm;
    readonly publicJwk: PublicJwk;
    readonly told: Told;
  } | null;
  /** Every kid and thumbprint of the manifest, tombstones included. An outlet with any other is not overwritten. */
  readonly knownKids: readonly string[];
  /** Every retired key, also of incidents that have settled: none of them may be in an outlet. */
  readonly retired: readonly Pick<Key, 'kid' | 'thumbprint'>[];
  /** An empty JWKS may be published: `retire --no-replacement` asked for it. */
  readonly allowEmpty: boolean;
  /** An incident is open: a problem with one outlet must not keep the others from being written. */
  readonly isIncident: boolean;
  /** The keys of unsettled incidents, whether they have left the JWKS or not. */
  readonly retiring: readonly Pick<Key, 'kid' | 'thumbprint'>[];
}

/** What one outlet on this host holds now. */
export interface Holding {
  /** The path, `command NAME` or `deliver command NAME`. Identifies the outlet and is shown to people. */
  readonly outlet: string;
  readonly kind: 'publish' | 'deliver';
  /** `pem-files`: a PEM file for each key in the JWKS; its keys are sorted by kid. */
  readonly format: 'jwks' | 'pem' | 'jwk' | 'pem-files';
  /** The keys in it; null if there is nothing (no file, never written). */
  readonly keys:
    | readonly {
        readonly kid: string | null;
        readonly thumbprint: string;
        /**
         * A command has printed this as the kid, and this host did not put it there. Its pair is not known, and what a
         * command prints may be anything, a private key too: it is compared, never shown.
         */
        readonly isSaid?: true;
      }[]
    | null;
  /** False if it exists but can't be read, or differs in a byte or its mode from what jwtrot writes for these keys. */
  readonly intact: boolean;
  /** What a delivered JWK tells its signer; null: nothing, or nothing of ours. Absent: it is no such JWK. */
  readonly told?: Told | null;
  /** Why it can't be read, for a person. Absent: it was read. */
  readonly problem?: string;
  /** An earlier command may still write there until then. Absent: none is under way. */
  readonly busyUntil?: Instant;
}

export function toPublishedJwk(key: Exclude<Key, Tombstone>): PublishedJwk {
  return { ...key.publicJwk, kid: key.kid, alg: key.alg, use: 'sig' };
}

/** The public JWK Set (RFC 7517 section 5). May be empty: outlets refuse to write that. */
export function toJwkSet(manifest: Manifest): JwkSet {
  return { keys: publishedKeys(manifest).map(toPublishedJwk) };
}

/** The exact text of a published JWKS file. */
export function jwkSetText(jwks: JwkSet): string {
  return `${JSON.stringify(jwks, null, 2)}\n`;
}

export function outletContent(manifest: Manifest): OutletContent {
  const active = activeKey(manifest);
  const told = wantedTold(manifest);
  return {
    keyset: manifest.name,
    lineage: manifest.lineage,
    formerLineages: manifest.formerLineages,
    revision: manifest.revision,
    commit: manifest.commits.at(-1)?.id ?? null,
    jwks: toJwkSet(manifest),
    published: publishedKeys(manifest).map(({ kid, thumbprint }) => ({ kid, thumbprint })),
    active: active &&
      told && {
        kid: active.kid,
        thumbprint: active.thumbprint,
        alg: active.alg,
        publicJwk: active.publicJwk,
        told,
      },
    // A getter, since only writing an outlet needs it.
    get knownKids() {
      return [...new Set(manifest.keys.flatMap((key) => [key.kid, key.thumbprint]))];
    },
    get retired() {
      return manifest.keys.filter(isRetired).map(({ kid, thumbprint }) => ({ kid, thumbprint }));
    },
    allowEmpty: mayBeEmpty(manifest),
    isIncident: isIncident(manifest),
    retiring: manifest.keys
      .filter((key) => manifest.retirements.some((one) => one.kid === key.kid))
      .map(({ kid, thumbprint }) => ({ kid, thumbprint })),
  };
}

function mayBeEmpty(manifest: Manifest): boolean {
  return manifest.retirements.some((one) => one.noReplacement && !neverSeen(manifest, one.kid));
}

/** Nobody ever saw this key, so no set has to be emptied: caches would only keep the empty set. */
function neverSeen(manifest: Manifest, kid: string): boolean {
  return manifest.keys.some((key) => key.kid === kid && wasGivenUp(key));
}

/** True if there is no key to publish, as before the first one, and nobody asked for an empty set. */
export function lacksKeys(manifest: Manifest): boolean {
  return publishedKeys(manifest).length === 0 && !mayBeEmpty(manifest);
}

/** Whether an outlet with this format publishes every key in the JWKS. */
export function isKeySet(format: Holding['format']): format is 'jwks' | 'pem-files' {
  return format === 'jwks' || format === 'pem-files';
}

/** The kids that an outlet of this kind and format must hold, in order; null: nothing to write yet. */
export function wantedKeys(manifest: Manifest, outlet: Pick<Holding, 'kind' | 'format'>): readonly string[] | null {
  if (outlet.kind === 'publish' && isKeySet(outlet.format)) {
    if (lacksKeys(manifest)) return null;
    const kids = publishedKeys(manifest).map((key) => key.kid);
    return outlet.format === 'jwks' ? kids : kids.sort();
  }
  const active = activeKey(manifest);
  return active && [active.kid];
}
