import { quoteOutside } from '../basics/outside-text.js';
import { isWrittenAhead, otherHistory, UNKNOWN_COMMIT } from '../history/other-history.js';
import type { KeysetRecord } from '../history/record.js';
import { type HeldName, renamedIn } from '../history/renamed.js';
import type { Manifest } from '../manifest/model.js';
import { isPublished } from '../manifest/states.js';
import type { Evidence, OutletEvidence } from './evidence.js';

/*
 * Judges the evidence: whether the store shows another history, whether somebody wrote after this host's record, and
 * which outlet records are useless.
 */

/** Why a new history must begin. */
export type Break =
  | { readonly why: 'lost' | 'lineage' | 'lower-revision' | 'commit' }
  /** The newest manifest is damaged. The one before it may be older than what others here know. */
  | { readonly why: 'damaged' }
  /** `renamed`: the manifest names pairs differently than this host published them. */
  | { readonly why: 'retired-key' | 'secret-gone' | 'renamed'; readonly kid: string }
  /** An outlet or service holds a key that the manifest has not published yet. */
  | { readonly why: 'unpublished'; readonly kid: string }
  /** The outlet was written from a later revision, or from a history that nobody here knows. */
  | { readonly why: 'outlet-ahead'; readonly outlet: string }
  /** The store holds the secret of a key that the manifest never knew. */
  | { readonly why: 'later-secret'; readonly thumbprint: string };

export function recordOf({ record }: Evidence): KeysetRecord | null {
  return record === 'damaged' ? null : record;
}

/** True if the manifest names the host's history as a former one: another host has recovered. */
export function isNamedFormer(record: KeysetRecord | null, manifest: Manifest): boolean {
  return record !== null && manifest.lineage !== record.lineage && manifest.formerLineages.includes(record.lineage);
}

/** Why a new history must begin. Null: the store holds the host's history, or nothing shows another one. */
export function breakOf(evidence: Evidence): Break | null {
  const { manifest } = evidence;
  if (evidence.damage !== undefined) return { why: 'damaged' };
  if (manifest === null) return isAnythingKnown(evidence) ? { why: 'lost' } : null;
  const record = recordOf(evidence);
  const other = otherHistory(record, manifest);
  // Another host recovered without knowing of a retirement: only that is added.
  if (other !== null && !(other.why === 'retired-key' && isNamedFormer(record, manifest))) return other;
  const renamed = renamedIn(manifest, { held: heldNames(evidence) }, null);
  if (renamed !== null) return { why: 'renamed', kid: renamed.kid };
  const ahead = outletAhead(evidence, manifest);
  if (record !== null && record.commit === manifest.commits.at(-1)?.id) return ahead;
  return laterSecret(evidence, manifest) ?? ahead;
}

export function heldNames({ outlets }: Evidence): HeldName[] {
  return outlets.flatMap(({ outlet, isGiven, keys }) => (keys ?? []).map((key) => ({ ...key, outlet, isGiven })));
}

function isAnythingKnown({ record, outlets, secrets }: Evidence): boolean {
  return record !== null || secrets.length > 0 || outlets.some(({ record: one }) => typeof one === 'object');
}

/** This host has not seen the manifest's newest commit, so the secrets must show whether the manifest is old. */
function laterSecret({ secrets }: Evidence, { keys }: Manifest): Break | null {
  const unknown = secrets.find(({ thumbprint }) => keys.every((key) => key.thumbprint !== thumbprint));
  if (unknown !== undefined) return { why: 'later-secret', thumbprint: unknown.thumbprint };
  const stored = new Set(secrets.filter(({ isDeleted }) => !isDeleted).map(({ thumbprint }) => thumbprint));
  const gone = keys.find((key) => isPublished(key.state) && key.hasPrivate && !stored.has(key.thumbprint));
  return gone === undefined ? null : { why: 'secret-gone', kid: gone.kid };
}

/** The same rule as `outletAhead` in other-history.ts. */
function outletAhead(evidence: Evidence, manifest: Manifest): Break | null {
  const remembers = recordOf(evidence) !== null;
  const ahead = evidence.outlets.find((one) => isAhead(one, manifest) && !(remembers && mayBePoisoned(one, manifest)));
  return ahead === undefined ? null : { why: 'outlet-ahead', outlet: ahead.outlet };
}

function isAhead({ record }: OutletEvidence, manifest: Manifest): boolean {
  return typeof record !== 'string' && isWrittenAhead(record, manifest);
}

/** Only the record is wrong: the outlet holds what this host wrote, or the record's history is unknown here. */
function mayBePoisoned({ record, isGiven }: OutletEvidence, { lineage }: Manifest): boolean {
  return isGiven || (typeof record !== 'string' && record.lineage !== null && record.lineage !== lineage);
}

/**
 * Why retirements may be unknown: nothing shows that this host wrote last. Null: it did.
 * @param known every kid known here
 */
export function whyRetirementsUnknown(evidence: Evidence, known: ReadonlySet<string>): string | null {
  const { record: remembered, outlets } = evidence;
  if (remembered === null) return 'this host remembers nothing of this keyset';
  if (typeof remembered === 'object' && remembered.commit === UNKNOWN_COMMIT) {
    return 'this host remembers no more of this keyset than the records beside its outlets say';
  }
  if (remembered === 'damaged') return 'what this host remembers of this keyset is damaged';
  const damaged = evidence.damage?.revision ?? 0;
  if (damaged > remembered.revision) {
    return `a damaged manifest may be of revision ${damaged}, and this host remembers no more than ${remembered.revision}`;
  }
  const later = outlets.find(({ record }) => isLater(record, remembered, evidence.manifest));
  if (later !== undefined) return `${later.outlet} was written later than this host remembers`;
  // Another host made that key and may have retired the one before it.
  const ahead = evidence.services.find(({ signs, kid }) => signs && kid !== null && kid !== '' && !known.has(kid));
  if (ahead === undefined) return null;
  return `${ahead.service} signs with key ${quoteOutside(ahead.kid ?? '')}, of which nothing is known here`;
}

/** True for a later revision, or a history that neither this host nor the manifest knows. */
function isLater(record: OutletEvidence['record'], remembered: KeysetRecord, manifest: Manifest | null): boolean {
  if (typeof record === 'string' || record.keyset !== remembered.keyset) return false;
  if (record.lineage === null || record.lineage === remembered.lineage) return record.revision > remembered.revision;
  const known = manifest === null ? [] : [manifest.lineage, ...manifest.formerLineages];
  return !known.includes(record.lineage);
}

/** Outlet records that would stop `rotate` from writing. They are replaced. */
export function uselessRecords(evidence: Evidence, lineages: readonly string[]): OutletEvidence[] {
  const newest = Math.max(evidence.manifest?.revision ?? 0, recordOf(evidence)?.revision ?? 0);
  return evidence.outlets.filter(({ record, keys, isGiven }) => {
    if (record === 'damaged') return true;
    // It does not hold what this host wrote, and no record says who wrote it.
    if (typeof record === 'string') return record === 'absent' && keys !== null && !isGiven;
    if (record.keyset !== evidence.keyset) return false;
    if (record.lineage !== null && !lineages.includes(record.lineage)) return true;
    return record.revision > newest;
  });
}
