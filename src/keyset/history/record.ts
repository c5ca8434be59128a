import type { Key } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import { isRetired } from '../manifest/states.js';

/*
 * A host's own record of a keyset, outside the store (docs/design.md, "Lineage and recovery"). It shows when a store
 * was restored from a backup. A record never retires or unpublishes anything: it only keeps a key from being added.
 */

/** A key that must never return, under this kid or any other. */
export interface RetiredKey {
  readonly thumbprint: string;
  readonly kid: string;
  /** Its incident had not settled: verifiers have yet to drop it, or to be rechecked. Absent: it had, or nobody knows. */
  readonly isLeaving?: true | undefined;
}

/** A pair and the kid it was imported under. */
export interface NamedPair {
  readonly thumbprint: string;
  readonly kid: string;
}

/** What jwtrot wrote to an outlet. */
export interface GivenOutlet {
  /** The path, or `command NAME`. */
  readonly outlet: string;
  /** SHA-256 of the text, hex; null: its file was removed. */
  readonly sha256: string | null;
}

export interface KeysetRecord {
  readonly keyset: string;
  readonly lineage: string;
  readonly revision: number;
  /** The id of that revision's commit. */
  readonly commit: string;
  /** Every key that this host has seen retired, oldest first. */
  readonly retired: readonly RetiredKey[];
  /** Keys in use whose kid is not their thumbprint: only a host that saw one can tell its pair. Absent: none. */
  readonly named?: readonly NamedPair[] | undefined;
  readonly outlets: readonly GivenOutlet[];
}

/** The most retired keys in a record: ten times a manifest's limit. Pairs that may be planted only take free places. */
export const MOST_RETIRED = 1_000;

/**
 * The record after this manifest was committed, or read as the host's own history. Returns `former` itself if nothing
 * is new. Never goes back: other runs may have overtaken a run that was stopped after its commit.
 */
export function recorded(former: KeysetRecord | null, manifest: Manifest): KeysetRecord | null {
  const commit = manifest.commits.at(-1)?.id;
  if (manifest.lineage === null || commit === undefined) return former;
  const { name, lineage, revision } = manifest;
  if (former === null) {
    const retired = withLeaving(retiredIn(manifest, []), manifest);
    return withNamed({ keyset: name, lineage, revision, commit, retired, outlets: [] }, manifest);
  }
  if (lineage !== former.lineage && !manifest.formerLineages.includes(former.lineage)) return former;
  const retired = retiredIn(manifest, former.retired);
  const isNewer = revision > former.revision || (revision === former.revision && lineage !== former.lineage);
  if (!isNewer) return retired === former.retired ? former : { ...former, retired };
  return withNamed({ ...former, lineage, revision, commit, retired: withLeaving(retired, manifest) }, manifest);
}

function withNamed({ named: _, ...record }: KeysetRecord, { keys }: Manifest): KeysetRecord {
  const inUse = keys.filter((key) => !isRetired(key) && key.kid !== key.thumbprint);
  if (inUse.length === 0) return record;
  return { ...record, named: inUse.map(({ thumbprint, kid }) => ({ thumbprint, kid })) };
}

/** The record after an operator retired keys in another history. Nothing else of that history is remembered. */
export function retiredElsewhere(former: KeysetRecord, { keys, retirements }: Manifest): KeysetRecord {
  const asked = keys.filter((key) => isRetired(key) && retirements.some((one) => one.kid === key.kid));
  const retired = withRetired(former.retired, asked, retirements);
  return retired === former.retired ? former : { ...former, retired };
}

function retiredIn({ keys, retirements }: Manifest, before: readonly RetiredKey[]): readonly RetiredKey[] {
  return withRetired(before, keys.filter(isRetired), retirements);
}

function withRetired(
  before: readonly RetiredKey[],
  keys: readonly Key[],
  retirements: Manifest['retirements'],
): readonly RetiredKey[] {
  const known = new Set(before.map((one) => `${one.thumbprint} ${one.kid}`));
  const more = keys.filter(({ thumbprint, kid }) => !known.has(`${thumbprint} ${kid}`));
  if (more.length === 0) return before;
  // The key that was asked for last is recorded last. Pairs that went with it may be planted.
  const asked = retirements.at(-1)?.kid;
  const isFirm = (key: Key) => key.kid === asked || !isStray(key);
  const open = new Set(retirements.map(({ kid }) => kid));
  const nameOf = (key: Key) => named(key, open);
  const firm = more.filter(isFirm).map(nameOf);
  const room = Math.max(0, MOST_RETIRED - before.length - firm.length);
  const beside = more.filter((key) => !isFirm(key)).map(nameOf);
  if (firm.length === 0 && (room === 0 || beside.length === 0)) return before;
  return [...before, ...beside.slice(0, room), ...firm].slice(-MOST_RETIRED);
}

/** @param open the kids whose incident has not settled */
function named({ thumbprint, kid }: RetiredKey, open: ReadonlySet<string>): RetiredKey {
  return open.has(kid) ? { thumbprint, kid, isLeaving: true } : { thumbprint, kid };
}

/** It entered as retired: outlets alone showed it. */
function isStray({ publishedAt, retiredAt, activatedAt, confirmedAt }: Key): boolean {
  return publishedAt !== null && publishedAt === retiredAt && activatedAt === null && confirmedAt === null;
}

/** Updates `isLeaving` of the keys that the manifest still has; others keep theirs. */
function withLeaving(retired: readonly RetiredKey[], manifest: Manifest): readonly RetiredKey[] {
  const known = new Set(manifest.keys.map(({ thumbprint }) => thumbprint));
  const open = new Set(manifest.retirements.map(({ kid }) => kid));
  return retired.map((one) => (known.has(one.thumbprint) ? named(one, open) : one));
}

/** A key in use that the host has seen retired under any kid; null: none. */
export function returnedKey(record: KeysetRecord | null, manifest: Manifest): Key | null {
  return returnedKeys(record, manifest)[0] ?? null;
}

/** All keys in use that the host has seen retired, as the manifest has them. */
export function returnedKeys(record: KeysetRecord | null, { keys }: Manifest): readonly Key[] {
  if (record === null || record.retired.length === 0) return [];
  const retired = new Set(record.retired.map((one) => one.thumbprint));
  return keys.filter((key) => !isRetired(key) && retired.has(key.thumbprint));
}
