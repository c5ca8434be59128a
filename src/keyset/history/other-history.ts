import type { Manifest } from '../manifest/model.js';
import { type KeysetRecord, returnedKey, returnedKeys } from './record.js';
import type { Renamed } from './renamed.js';

/*
 * Decides whether the store still shows the history that a host knows, or that outlets were written from.
 */

/** Why the store's history is not the one that this host knows. */
export type OtherHistory =
  /** The manifest is gone. */
  | { readonly why: 'lost' }
  /**
   * No manifest can be read (`store-damaged`), or the store fails (`store-failed`). `what` is for people. `hint` is
   * what helps; null: `store recover`. `isTransient`: it may work again by itself.
   */
  | {
      readonly why: 'damaged';
      readonly code: 'store-damaged' | 'store-failed';
      readonly what: string;
      readonly hint: string | null;
      readonly isTransient?: true;
    }
  /** The outlet was written from a later revision, or from a history that the manifest does not know. */
  | {
      readonly why: 'outlet-ahead';
      readonly outlet: string;
      readonly revision: number;
      readonly lineage: string | null;
    }
  | { readonly why: 'lineage' }
  | { readonly why: 'lower-revision' }
  | { readonly why: 'commit' }
  /**
   * A key is in use that this host has seen retired. `isUntold`: the history is the host's own, but the store failed at
   * the time and has not recorded the retirement yet. `knownAs`: the kid that the host remembers, whatever the manifest
   * calls the key now.
   */
  | { readonly why: 'retired-key'; readonly kid: string; readonly knownAs: string; readonly isUntold?: true }
  /** The manifest names pairs differently than this host published them. */
  | Renamed
  /** A key is in use although its secret is gone or its deletion was ordered. The manifest alone does not show this. */
  | { readonly why: 'secret-gone'; readonly kid: string };

/**
 * @param manifest null: the store knows no such keyset
 * @returns null if it is the history that this host knows, or the host knows none
 */
export function otherHistory(
  record: KeysetRecord | null,
  manifest: Manifest | null,
): Exclude<OtherHistory, Renamed> | null {
  if (record === null) return null;
  if (manifest === null) return { why: 'lost' };
  if (manifest.lineage === record.lineage) {
    if (manifest.revision < record.revision) return { why: 'lower-revision' };
    const commit = commitAt(manifest, record.revision);
    if (commit !== null && commit !== record.commit) return { why: 'commit' };
  } else if (manifest.lineage === null || !manifest.formerLineages.includes(record.lineage)) {
    return { why: 'lineage' };
  }
  const back = returnedKey(record, manifest);
  if (back === null) return null;
  // The host's record came with this very commit, except for what the host did without the store.
  const isUntold = commitAt(manifest, record.revision) === record.commit;
  const knownAs = record.retired.find(({ thumbprint }) => thumbprint === back.thumbprint)?.kid ?? back.kid;
  return { why: 'retired-key', kid: back.kid, knownAs, ...(isUntold ? { isUntold } : {}) };
}

/** The store lacks a retirement: `retire` must record it before anything else goes on. */
export function isUntold(other: OtherHistory | null): other is Untold {
  return other?.why === 'retired-key' && other.isUntold === true;
}

/** The kids, as the manifest has them, of all retirements that the store lacks; empty in another history. */
export function untoldKids(other: OtherHistory | null, record: KeysetRecord | null, manifest: Manifest): string[] {
  return isUntold(other) ? returnedKeys(record, manifest).map(({ kid }) => kid) : [];
}

type Untold = OtherHistory & { readonly why: 'retired-key' };

/** True if the answer is older than the record, as an eventually consistent store may give for a while. */
export function mayBeOld(record: KeysetRecord | null, manifest: Manifest | null): boolean {
  return record !== null && (manifest === null || manifest.revision < record.revision);
}

/** The host knows this very commit, so all that it names existed then. */
export function isNewestKnown(record: KeysetRecord | null, { commits }: Manifest): boolean {
  return record !== null && record.commit === commits.at(-1)?.id;
}

/** The id of the commit that wrote a revision; null if it is no longer among the newest. */
function commitAt({ commits, revision }: Manifest, at: number): string | null {
  return commits[commits.length - 1 - (revision - at)]?.id ?? null;
}

/** The record beside an outlet: what the outlet was last written from. */
export interface OutletWritten {
  readonly keyset: string;
  /** Null: jwtrot 0.1.0 wrote it, or its manifest. */
  readonly lineage: string | null;
  readonly revision: number;
}

/** The members of a manifest that identify its history. */
export type Shown = Pick<Manifest, 'name' | 'lineage' | 'formerLineages' | 'revision'>;

/** Stands for a keyset that the store does not know: any outlet was written from another history. */
export function nothingShown(name: string): Shown {
  return { name, lineage: null, formerLineages: [], revision: 0 };
}

/** True if the manifest can't be what the outlet was written from: it is older, or of another history. */
export function isWrittenAhead(record: OutletWritten, { name, lineage, formerLineages, revision }: Shown): boolean {
  if (record.keyset !== name) return false;
  if (record.lineage === null || record.lineage === lineage) return record.revision > revision;
  return !formerLineages.includes(record.lineage);
}

/** An outlet's record and content. */
export interface OutletSaid extends OutletWritten {
  readonly outlet: string;
  /** SHA-256 of its content, hex; null: nothing readable. */
  readonly held: () => Promise<string | null>;
}

/**
 * Finds an outlet that proves the store old. A host without a record believes every outlet's record. A host with one
 * believes only an outlet of its own history whose content it did not write: then host and store were restored
 * together. Otherwise only the outlet's record is ahead, so somebody else wrote it; the caller names that outlet and
 * leaves it alone.
 */
export async function outletAhead(
  record: KeysetRecord | null,
  outlets: readonly OutletSaid[],
  manifest: Shown,
): Promise<OutletAhead | null> {
  const ahead = outlets.filter((one) => isWrittenAhead(one, manifest)).sort((a, b) => b.revision - a.revision);
  for (const { outlet, revision, lineage, held } of ahead) {
    const isOwn = lineage === null || lineage === manifest.lineage;
    if (record === null || (isOwn && !isGiven(record, outlet, await held()))) {
      return { why: 'outlet-ahead', outlet, revision, lineage };
    }
  }
  return null;
}

function isGiven({ outlets }: KeysetRecord, outlet: string, held: string | null): boolean {
  return outlets.some((given) => given.outlet === outlet && given.sha256 === held);
}

export type OutletAhead = OtherHistory & { readonly why: 'outlet-ahead' };

/** Replaces a commit id if only an outlet's record tells of the revision. */
export const UNKNOWN_COMMIT = 'unknown';

/**
 * What a host remembers after an incident went on in spite of this. Without it, the incident's commits would raise the
 * manifest past the outlets' revision and hide the difference.
 */
export function rememberedFrom(
  { lineage, revision }: OutletAhead,
  manifest: Manifest,
  former: KeysetRecord | null,
): KeysetRecord | null {
  const seen = { revision, commit: UNKNOWN_COMMIT };
  if (former !== null) return former.revision >= revision ? former : { ...former, ...seen };
  const known = lineage ?? manifest.lineage;
  return known === null ? null : { keyset: manifest.name, lineage: known, ...seen, retired: [], outlets: [] };
}
