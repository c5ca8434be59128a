import type { Algorithm } from '../basics/algorithm.js';
import type { KeysetRecord } from '../history/record.js';
import type { PublicJwk } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import type { Holding } from '../published/jwk-set.js';

/*
 * The evidence that `store recover` collects from everybody who may know a key. Nothing is decided here.
 */

/** A key as its source shows it. */
export interface SeenKey {
  /** Null: the source does not name it. */
  readonly kid: string | null;
  readonly thumbprint: string;
  readonly alg: Algorithm | null;
  /** Null: only its name is known. */
  readonly publicJwk: PublicJwk | null;
}

/** The record beside an outlet. */
export type OutletRecordSeen =
  | { readonly keyset: string; readonly lineage: string | null; readonly revision: number }
  | 'absent'
  | 'damaged'
  /** Others can write beside the outlet, so a record there proves nothing. */
  | 'kept nowhere';

export interface OutletEvidence extends Pick<Holding, 'outlet' | 'kind' | 'format'> {
  /** Null: the outlet is empty. */
  readonly keys: readonly SeenKey[] | null;
  /** It holds, to the byte, what this host remembers writing. So its keys are jwtrot's. */
  readonly isGiven: boolean;
  readonly record: OutletRecordSeen;
  /** Why it could not be read; null: it was. */
  readonly problem: string | null;
}

/** What one instance of a service reports. */
export interface ServiceEvidence {
  readonly service: string;
  readonly instance: string;
  readonly signs: boolean;
  /** The kid it signs with. */
  readonly kid: string | null;
  /** The kids it accepts. */
  readonly kids: readonly string[];
  /** Why it did not answer; null: it did. */
  readonly error: string | null;
}

/** A wrapped key in the store. */
export interface SecretEvidence extends SeenKey {
  /** Its deletion was ordered. */
  readonly isDeleted: boolean;
  /** The kid it was wrapped under, if the manifest has another one for that pair. Absent: the same. */
  readonly wrappedAs?: string;
  /** Why it can't be used; null: no problem was found. */
  readonly problem: string | null;
}

export interface Evidence {
  readonly keyset: string;
  /** The newest manifest in the store that is sound; null: none. */
  readonly manifest: Manifest | null;
  /** The damage in the store, and the highest revision that it may have had. Absent: none. */
  readonly damage?: { readonly what: string; readonly revision: number };
  /** This host's record; null: none. */
  readonly record: KeysetRecord | 'damaged' | null;
  readonly outlets: readonly OutletEvidence[];
  readonly services: readonly ServiceEvidence[];
  readonly secrets: readonly SecretEvidence[];
}

/** A key that the operator declares retired. */
export interface NamedKey {
  readonly kid: string | null;
  /** Null: only its kid is known. */
  readonly thumbprint: string | null;
  /** Replaces the thumbprint if only the kid is known. */
  readonly standIn: string;
  readonly alg: Algorithm | null;
  readonly publicJwk: PublicJwk | null;
}

/** The operator's answers. */
export interface RecoveryRequest {
  readonly retired: readonly NamedKey[];
  /** The operator says that no retirement is unknown here. */
  readonly noneRetired: boolean;
  /** Thumbprints of keys to adopt although no outlet vouches for them. */
  readonly adopt: readonly string[];
}
