import type { Algorithm } from './algorithm.js';
import { JwtrotError } from './error.js';
import { wasGivenUp } from './given-up.js';
import type { Key, Manifest, PublicJwk } from './model.js';
import { isPublished } from './states.js';

/** A JWK as it is published (RFC 7517 section 4). */
export type PublishedJwk = PublicJwk & { readonly kid: string; readonly alg: Algorithm; readonly use: 'sig' };

export interface JwkSet {
  readonly keys: readonly PublishedJwk[];
}

/** What outlets must hold. */
export interface OutletContent {
  readonly keyset: string;
  readonly revision: number;
  readonly jwks: JwkSet;
  /** The key to deliver; null when there is none. */
  readonly active: {
    readonly kid: string;
    readonly thumbprint: string;
    readonly alg: Algorithm;
    readonly publicJwk: PublicJwk;
  } | null;
  /** Every kid and thumbprint of the manifest, tombstones included: an outlet that holds another is not overwritten. */
  readonly knownKids: readonly string[];
  /** An empty JWKS may be published: the operator asked for it with `retire --no-replacement`. */
  readonly allowEmpty: boolean;
}

/** What one outlet on this host holds now. */
export interface Holding {
  /** For people and as an identity: the path, or `command NAME`. */
  readonly outlet: string;
  readonly kind: 'publish' | 'deliver';
  readonly format: 'jwks' | 'pem' | 'jwk';
  /** The keys in it; null when there is nothing (no file, never written). */
  readonly keys: readonly { readonly kid: string | null; readonly thumbprint: string }[] | null;
  /** False when it exists but is not, to the byte and mode, what jwtrot writes for these keys (or can't be read). */
  readonly intact: boolean;
}

/** The keys in the JWKS, oldest first: an order that no change of state disturbs, so that only a new set is a new text. */
export function publishedKeys({ keys }: Manifest): Key[] {
  return keys.filter((key) => isPublished(key.state)).sort((a, b) => a.version - b.version);
}

export function toPublishedJwk(key: Key): PublishedJwk {
  if (key.publicJwk === null) {
    throw new JwtrotError(
      'refused',
      'no-public-key',
      `key ${key.kid} (${key.state}) has no public key in the manifest`,
    );
  }
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

export function activeKey(manifest: Manifest): Key | null {
  // Of many tombstones and few keys in use, the latter stand at the end.
  return manifest.keys.findLast((key) => key.state === 'active') ?? null;
}

export function outletContent(manifest: Manifest): OutletContent {
  const active = activeKey(manifest);
  return {
    keyset: manifest.name,
    revision: manifest.revision,
    jwks: toJwkSet(manifest),
    active:
      active?.publicJwk != null
        ? { kid: active.kid, thumbprint: active.thumbprint, alg: active.alg, publicJwk: active.publicJwk }
        : null,
    // Asked for only where something is written.
    get knownKids() {
      return [...new Set(manifest.keys.flatMap((key) => [key.kid, key.thumbprint]))];
    },
    allowEmpty: mayBeEmpty(manifest),
  };
}

function mayBeEmpty(manifest: Manifest): boolean {
  return manifest.retirements.some((one) => one.noReplacement && !neverSeen(manifest, one.kid));
}

/** Of a key that nobody ever saw nothing has to be taken away: an empty set would only be cached. */
function neverSeen(manifest: Manifest, kid: string): boolean {
  return manifest.keys.some((key) => key.kid === kid && wasGivenUp(key));
}

/** The kids that an outlet of this kind and format must hold, in order; null: nothing to write yet. */
export function wantedKeys(manifest: Manifest, outlet: Pick<Holding, 'kind' | 'format'>): readonly string[] | null {
  if (outlet.kind === 'publish' && outlet.format === 'jwks') {
    const published = publishedKeys(manifest);
    // Before the first key is stored there is nothing to publish: an empty set is an answer only if it was asked for.
    return published.length === 0 && !mayBeEmpty(manifest) ? null : published.map((key) => key.kid);
  }
  const active = activeKey(manifest);
  return active?.publicJwk == null ? null : [active.kid];
}
