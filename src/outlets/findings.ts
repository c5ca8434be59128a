import type { ErrorKind } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { GivenOutlet, KeysetRecord } from '../keyset/history/record.js';
import { saidKeyHint, unknownKeyHint, unreadKeyHint } from '../keyset/planning/refusals.js';
import type { Holding, OutletContent } from '../keyset/published/jwk-set.js';
import type { Elsewhere } from './outlet.js';
import type { FoundRecord, OutletRecord } from './record.js';
import type { Sight } from './sight.js';

/** What a run sees of one outlet while it holds the lock. */
export interface Seen {
  /** For people. */
  readonly outlet: string;
  readonly format: Holding['format'];
  /** The outlet's file or files. For a command: the record of what it was last given. */
  readonly path: string;
  readonly record: FoundRecord;
  /** Where the record is, or would be. */
  readonly recordPath: string;
  /** What this host remembers of the keyset; null: nothing. */
  readonly remembered: Pick<KeysetRecord, 'lineage' | 'revision' | 'retired'> | null;
  /** What this host remembers having given this outlet; null: nothing. */
  readonly given: GivenOutlet | null;
  readonly sight: Pick<Sight, 'keys' | 'foreign' | 'isThere' | 'sha256'>;
  /** It publishes keys, and there are none to publish now. */
  readonly wouldBeEmptied: boolean;
  /** A key to publish that can't have a file of its own there; null: none. */
  readonly unnameable: string | null;
  /** Why its directory is not fit for writing; null: it is fit. */
  readonly flaw: Flaw | null;
}

/** Why an outlet is not simply written. */
export interface Finding {
  readonly code: string;
  /** `its record … is damaged`; it follows a clause that says what was done with the outlet. */
  readonly why: string;
  readonly hint: string;
  /** Outside an incident. During one the kind is `services`: services did not get the keys, and no more. */
  readonly kind: ErrorKind;
}

/** What is wrong with a directory. */
export interface Flaw extends Finding {
  /** An incident writes there anyway: those who could change the file can do so regardless. */
  readonly yieldsToIncident: boolean;
}

/** This run was paused and woke up; meanwhile another run committed and wrote. */
export function olderRevision({ remembered }: Seen, { keyset, lineage, revision }: OutletContent): Finding | null {
  if (remembered === null || remembered.lineage !== lineage || remembered.revision <= revision) return null;
  return {
    code: 'older-revision',
    kind: 'refused',
    why: `this host has seen revision ${remembered.revision} of keyset ${keyset}, the manifest that was read is of revision ${revision}`,
    hint: 'another run has written since: run it again; jwtrot status shows which revision the store has',
  };
}

/** Another run retired the key but could not tell the store, so the manifest does not know. */
export function retiredKey({ remembered }: Seen, { keyset, published }: OutletContent): Finding | null {
  const retired = new Set(remembered?.retired.map(({ thumbprint }) => thumbprint));
  const back = published.find(({ thumbprint }) => retired.has(thumbprint));
  if (back === undefined) return null;
  return {
    code: 'retired-key',
    kind: 'refused',
    why: `this host has seen ${quoteOutside(back.kid)} retired, and the manifest of keyset ${keyset} has it in use`,
    hint: `tell the store: jwtrot retire --kid ${back.kid}`,
  };
}

export function anotherHistory({ keyset }: OutletContent, otherHistory: Elsewhere): Finding {
  if (otherHistory === 'no-store') {
    return {
      code: 'store-failed',
      kind: 'services',
      why: 'the store could not be asked',
      hint: 'when it answers, give the same command again',
    };
  }
  return {
    code: 'other-history',
    kind: 'refused',
    why: `the store holds another history of keyset ${keyset} than this host knows`,
    hint: `jwtrot store recover --keyset ${keyset}`,
  };
}

export function otherKeyset({ record }: Seen, { keyset }: OutletContent): Finding | null {
  if (typeof record === 'string' || record.keyset === keyset) return null;
  return {
    code: 'other-keyset',
    kind: 'refused',
    why: `it was written for keyset ${quoteOutside(record.keyset)}, not for ${keyset}`,
    hint: 'give each keyset outlets of its own',
  };
}

export function unknownKid(
  { outlet, format, sight }: Seen,
  { keyset, knownKids, retired, active }: OutletContent,
): Finding | null {
  const known = new Set(knownKids);
  // There a file's name is its kid, which anybody may give to a retired pair: it goes without a word.
  const gone = new Set(format === 'pem-files' ? retired.map(({ thumbprint }) => thumbprint) : []);
  const unknown = sight.keys?.find((key) => !known.has(key.kid ?? key.thumbprint) && !gone.has(key.thumbprint));
  if (unknown === undefined) return null;
  const { kid, thumbprint, isSaid } = unknown;
  return {
    code: 'unknown-kid',
    kind: 'refused',
    why: `it holds ${isSaid ? 'a key' : `key ${quoteOutside(kid ?? thumbprint)}`}, which keyset ${keyset} does not know: tokens may depend on it`,
    hint: isSaid
      ? saidKeyHint(outlet)
      : thumbprint === ''
        ? unreadKeyHint(outlet)
        : unknownKeyHint(keyset, active !== null),
  };
}

/** No evidence shows that jwtrot ever wrote the file. */
export function foreignFile({ outlet, record, given, sight }: Seen): Finding | null {
  const isOurs = given !== null || (record !== 'absent' && record !== 'kept nowhere');
  if (!sight.foreign || isOurs) return null;
  return {
    code: 'foreign-file',
    kind: 'refused',
    why: "it holds something that is neither keys nor jwtrot's",
    hint: `move it away: mv ${outlet} ${outlet}.old`,
  };
}

export function unnameableKey({ unnameable }: Seen, { keyset }: OutletContent): Finding | null {
  if (unnameable === null) return null;
  return {
    code: 'kid-no-file-name',
    kind: 'refused',
    why: `the kid ${quoteOutside(unnameable)} can't be the name of a file`,
    hint: `replace the key: jwtrot rotate --force --keyset ${keyset}; or publish a JWKS, which may hold any kid`,
  };
}

export function badRecord(seen: Seen, content: OutletContent): Finding | null {
  const { record, recordPath } = seen;
  const hint = `find out who wrote it, then remove it: rm ${recordPath}`;
  switch (record) {
    case 'kept nowhere':
      return null;
    case 'absent':
      return missingRecord(seen);
    case 'damaged':
      return { code: 'outlet-record-damaged', kind: 'services', why: `its record ${recordPath} is damaged`, hint };
    default:
      return contradicting(record, recordPath, hint, content);
  }
}

/** If the outlet is gone too (a reboot empties a tmpfs), or holds what this host gave it, the record is just rewritten. */
function missingRecord({ path, recordPath, given, sight }: Seen): Finding | null {
  if (!sight.isThere || given === null || given.sha256 === null || given.sha256 === sight.sha256) return null;
  return {
    code: 'outlet-record-missing',
    kind: 'services',
    why: `its record ${recordPath} is gone, and it does not hold what this host gave it`,
    hint: `find out who wrote it; to have it written anew: rm ${path}`,
  };
}

function contradicting(
  record: OutletRecord,
  path: string,
  hint: string,
  { keyset, lineage, formerLineages, revision }: OutletContent,
): Finding | null {
  if (record.lineage !== null && record.lineage !== lineage) {
    if (formerLineages.includes(record.lineage)) return null;
    const why = `its record ${path} is of another history of keyset ${keyset}`;
    return { code: 'outlet-record-of-other-history', kind: 'services', why, hint };
  }
  if (record.revision <= revision) return null;
  const why = `its record ${path} says revision ${record.revision} of keyset ${keyset}, the store has revision ${revision}`;
  return { code: 'outlet-record-ahead', kind: 'services', why, hint };
}

export function emptied({ wouldBeEmptied }: Seen, { keyset }: OutletContent): Finding | null {
  if (!wouldBeEmptied) return null;
  return {
    code: 'empty-jwks',
    kind: 'refused',
    why: `keyset ${keyset} has no key to publish and it holds some: an empty JWKS rejects every token`,
    hint: `make a key: jwtrot rotate --keyset ${keyset}`,
  };
}
