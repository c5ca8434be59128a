import type { Algorithm } from '../basics/algorithm.js';
import type { Duration, Instant } from '../basics/clock.js';
import type { KeyState } from './states.js';

/** The public members of a JWK (RFC 7517, RFC 7518 section 6, RFC 8037). Private members never enter the manifest. */
export type PublicJwk =
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }
  | { readonly kty: 'EC'; readonly crv: string; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: string; readonly x: string };

/** Why a key was retired. */
export type RetireReason = 'expired' | 'compromised' | 'superseded' | 'failed';

/** The members that every key has, in any state. */
interface AnyKey {
  /** The `kid` in JOSE headers and the JWKS. Equals `thumbprint` unless the key was imported under another kid. */
  readonly kid: string;
  /** RFC 7638 SHA-256 thumbprint, base64url. Names the secret. */
  readonly thumbprint: string;
  /** Serial number in the keyset, from 1. */
  readonly version: number;
  readonly alg: Algorithm;
  /** False for a key imported as a public key: it verifies and never signs. */
  readonly hasPrivate: boolean;
  readonly createdAt: Instant;
  /** The longest `maxTokenTtl` and `verifyFor` that were in force while the key signed. */
  readonly maxTokenTtl: Duration;
  readonly verifyFor: Duration;
}

/** The events in a key's life. The commit that makes an event true sets its time. */
interface Life {
  /** When every outlet was read back with this key in its JWKS. Absent before that, and after the key went missing. */
  publishedAt: Instant;
  /** When every polled verifier last confirmed that it accepts this key. */
  confirmedAt: Instant;
  /** When it last became the active key. */
  activatedAt: Instant;
  /** When it first became active. Tokens signed with it may exist from then on. */
  signedFrom: Instant;
  deprecatedAt: Instant;
  /** When the last signer had moved off it and no reload could bring it back. */
  signedUntil: Instant;
  retiredAt: Instant;
  reason: RetireReason;
  /** When every polled verifier had dropped it after its retirement. */
  droppedAt: Instant;
  /** When the store erases its private key for good. Absent until the deletion is ordered. */
  goneAt: Instant;
  /** A put of its secret may be in flight until then. Delete the secret once more after that. */
  deleteAgainAt: Instant;
  destroyedAt: Instant;
}

/** A key in a state: `Has` is always present, `May` can be null, and every other part of its life is null. */
type Lived<State extends KeyState, Has extends keyof Life, May extends keyof Life, Public = PublicJwk> = AnyKey & {
  readonly state: State;
  readonly publicJwk: Public;
} & {
  readonly [Part in keyof Life]: Part extends Has ? Life[Part] : Part extends May ? Life[Part] | null : null;
};

type Shown = 'publishedAt' | 'confirmedAt' | 'deleteAgainAt';
type Used = Shown | 'activatedAt' | 'signedFrom' | 'deprecatedAt' | 'signedUntil';

/** The manifest names it and its secret is being stored. Nobody has seen it. */
export type CreatingKey = Lived<'creating', never, never>;
/** It was in use before jwtrot, or before its store was lost. Its tokens exist, and its secret is being stored. */
export type ImportingKey = Lived<
  'creating',
  'signedFrom',
  'confirmedAt' | 'activatedAt' | 'deprecatedAt' | 'reason' | 'deleteAgainAt'
>;
/** `signedFrom` is set only if a recovery found it: it may have signed before. */
export type PendingKey = Lived<'pending', never, Shown | 'signedFrom'>;
/** An incident's deadline can activate it before it is published or confirmed. */
export type ActiveKey = Lived<'active', 'activatedAt' | 'signedFrom', Shown> & { readonly hasPrivate: true };
/** A key imported as a public key was never active here. `reason` is `failed` if signers did not take the key. */
export type DeprecatedKey = Lived<
  'deprecated',
  'signedFrom' | 'deprecatedAt',
  Shown | 'activatedAt' | 'signedUntil' | 'reason'
>;
export type RetiredKey = Lived<'retired', 'retiredAt' | 'reason', Used | 'droppedAt' | 'goneAt'>;
/** Keeps its kid from being used again. */
export type Tombstone = Lived<'destroyed', 'reason' | 'destroyedAt', Used | 'retiredAt' | 'droppedAt' | 'goneAt', null>;

/** One key of a keyset. */
export type Key = CreatingKey | ImportingKey | PendingKey | ActiveKey | DeprecatedKey | RetiredKey | Tombstone;

/** A key in one of these states. */
export type KeyIn<State extends KeyState> = Extract<Key, { readonly state: State }>;

/** A key as it enters a keyset. */
export interface NewKey {
  readonly kid: string;
  readonly thumbprint: string;
  readonly alg: Algorithm;
  readonly publicJwk: PublicJwk;
  readonly hasPrivate: boolean;
}

/** A key to retire that the manifest may not know. `publicJwk` is null if only its names are known. */
export type LeakedKey = Omit<NewKey, 'publicJwk'> & { readonly publicJwk: PublicJwk | null };
