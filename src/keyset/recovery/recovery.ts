import { isBeyondReach } from '../manifest/model.js';
import { isBeingAdopted, isUnpublished } from '../transitions/adoption.js';
import { type Break, breakOf, isNamedFormer, recordOf, uselessRecords } from './doubt.js';
import type { Evidence, RecoveryRequest } from './evidence.js';
import { type KnownKey, knowledge, type StrangeKid } from './known.js';
import { type RecoveryRefusal, recoveryRefusal } from './refusals.js';
import { type Roles, rolesOf } from './roles.js';

/*
 * `store recover` (docs/design.md, section 4): decides what becomes of each known key. Pure: the same evidence and
 * answers give the same recovery.
 */

/** What becomes of a key, and why. */
export interface Fate {
  readonly known: KnownKey;
  /** `tombstone`: only its name is kept. `same`: the manifest needs no change. `left`: nothing can be done with it. */
  readonly becomes: 'active' | 'pending' | 'deprecated' | 'retired' | 'tombstone' | 'same' | 'left';
  readonly why: string;
}

export interface Recovery {
  /** Why a new history begins; null: the manifest's goes on. */
  readonly because: Break | null;
  /** The revision of the new history's first manifest; null if the manifest's history goes on. */
  readonly revision: number | null;
  readonly formerLineages: readonly string[];
  readonly fates: readonly Fate[];
  readonly roles: Roles | null;
  /** Outlets whose record is replaced. */
  readonly mended: readonly string[];
  /** Kids that services report and that belong to no known key. */
  readonly strange: readonly StrangeKid[];
  /** A key that an earlier recovery or import named and has yet to store; null: none. */
  readonly unfinished: KnownKey | null;
  /** Nothing needs to change. */
  readonly isNothing: boolean;
}

const AHEAD = 1_000_000;

/** @returns the recovery, and the refusal that blocks it until the operator says more */
export function recover(
  evidence: Evidence,
  request: RecoveryRequest,
): { readonly recovery: Recovery; readonly refusal: RecoveryRefusal | null } {
  const { keys, strange } = knowledge(evidence, request);
  const because = breakOf(evidence) ?? publishedLater(keys);
  const lineages = lineagesOf(evidence);
  const kept = keys.filter((key) => isKept(key, because));
  const losesActive = keys.some((known) => known.key?.state === 'active' && !kept.includes(known));
  const roles = because === null && !losesActive ? null : rolesOf(kept, keys);
  const isElsewhere = because !== null || isSecondHost(evidence);
  const fates = keys.map((known) => fateOf(known, roles, isElsewhere));
  const mended = uselessRecords(evidence, lineages).map(({ outlet }) => outlet);
  const changes = fates.filter(({ becomes }) => becomes !== 'same' && becomes !== 'left');
  const unfinished = because === null ? (keys.find(isUnfinished) ?? null) : null;
  const isUnremembered = evidence.record === 'damaged';
  const isNothing = because === null && changes.length + mended.length === 0 && unfinished === null && !isUnremembered;
  const revision = because === null ? null : highest(evidence) + AHEAD;
  const recovery = {
    because,
    revision,
    formerLineages: lineages,
    fates,
    roles,
    mended,
    strange,
    unfinished,
    isNothing,
  };
  return { recovery, refusal: recoveryRefusal(evidence, request, recovery, keys) };
}

/** The holder got the key from a publication, and that is newer than the manifest. */
function publishedLater(keys: readonly KnownKey[]): Break | null {
  const held = keys.find((known) => known.key !== null && isUnpublished(known.key) && isHeld(known));
  return held === undefined ? null : { why: 'unpublished', kid: held.kid };
}

/** True if the manifest's history goes on and another host began it. */
export function isSecondHost(evidence: Evidence): boolean {
  return evidence.manifest !== null && isNamedFormer(recordOf(evidence), evidence.manifest);
}

function lineagesOf(evidence: Evidence): string[] {
  const { manifest } = evidence;
  const own = recordOf(evidence)?.lineage;
  const all = [...(manifest?.formerLineages ?? []), own ?? null, manifest?.lineage ?? null];
  return [...new Set(all.filter((one) => one !== null))];
}

/** Counts records of unknown histories, too: commands may have been given their revisions. */
function highest(evidence: Evidence): number {
  const seen = [evidence.manifest?.revision ?? 0, recordOf(evidence)?.revision ?? 0, evidence.damage?.revision ?? 0];
  for (const { record } of evidence.outlets) {
    if (typeof record !== 'string' && record.keyset === evidence.keyset) seen.push(record.revision);
  }
  return Math.max(...seen.filter((revision) => !isBeyondReach(revision)));
}

/** True if it goes on verifying or signing. */
function isKept(known: KnownKey, because: Break | null): boolean {
  if (known.retiredBy.length > 0) return false;
  if (known.key === null) return known.isAdopted || known.publishedIn.length + known.deliveredIn.length > 0;
  // Its rollout had not published it. Unless somebody holds it, it was given up or never stored.
  if (known.key.state === 'creating') return because === null || isSeen(known);
  return true;
}

/** True if an unfinished import can be finished: its private half is available. */
function isUnfinished({ key, secret, privateIn }: KnownKey): boolean {
  return key !== null && isBeingAdopted(key) && (secret === 'stored' || privateIn.length > 0);
}

function isSeen(known: KnownKey): boolean {
  // An imported key has signed, whoever holds it.
  if (known.isAdopted || (known.key !== null && isBeingAdopted(known.key))) return true;
  return isHeld(known);
}

/** @param isElsewhere the manifest may lack what this host knows */
function fateOf(known: KnownKey, roles: Roles | null, isElsewhere: boolean): Fate {
  const { key, retiredBy, publishedIn, deliveredIn } = known;
  if (retiredBy.length > 0) return retiredFate(known, isElsewhere);
  if (roles !== null && known === roles.active) return { known, becomes: 'active', why: whyActive(known, roles) };
  if (roles !== null && known === roles.pending) return { known, becomes: 'pending', why: 'it is published anew' };
  if (key !== null && roles === null) return { known, becomes: 'same', why: 'as the manifest has it' };
  if (key !== null && (key.state !== 'creating' || isSeen(known))) {
    const gone = known.secret === 'unusable' ? 'can’t be used now' : 'is lost';
    const lost = key.hasPrivate && known.secret !== 'stored' ? `; its private half ${gone}` : '';
    return { known, becomes: 'deprecated', why: `it verifies on${lost}` };
  }
  const [outlet] = [...publishedIn, ...deliveredIn];
  if (outlet !== undefined) return { known, becomes: 'deprecated', why: `${outlet} holds what jwtrot wrote` };
  if (known.isAdopted) return { known, becomes: 'deprecated', why: 'named by --adopt' };
  if (key !== null || (known.secret === 'stored' && known.publicJwk !== null)) {
    return { known, becomes: 'retired', why: 'nobody holds it: it was given up, or never came so far' };
  }
  const isSecret = known.secret !== 'none';
  return { known, becomes: 'left', why: isSecret ? 'its secret can’t be used here' : 'nobody vouches for it' };
}

function whyActive(known: KnownKey, { activeIsInFile }: Roles): string {
  if (activeIsInFile) return `signers hold it; it is stored anew from ${known.deliveredIn[0] ?? known.privateIn[0]}`;
  if (known.deliveredIn.length + known.signedBy.length > 0) return 'signers hold it';
  return known.key?.state === 'active' ? 'it is active in the manifest' : 'verifiers know it, and it can sign';
}

function retiredFate(known: KnownKey, isElsewhere: boolean): Fate {
  const { key, retiredBy, publicJwk, alg } = known;
  const why = `retired, says ${retiredBy.find((by) => by !== 'the manifest') ?? 'the manifest'}`;
  if (isStoredAgain(known)) return { known, becomes: 'retired', why: `${why}; its private half is stored again` };
  if (retiredBy.includes('the manifest')) return { known, becomes: 'same', why };
  if (key !== null) return { known, becomes: 'retired', why };
  // A manifest forgets the oldest tombstones of its own history; a host does not.
  const isForgotten = !isElsewhere && retiredBy.every((by) => by === 'this host') && !isHeld(known);
  if (isForgotten) return { known, becomes: 'same', why };
  // Its holders must be seen without it, and its secret goes.
  return { known, becomes: publicJwk === null || alg === null ? 'tombstone' : 'retired', why };
}

/**
 * True if an older backup of the secrets brought a retired key's secret back, though its deletion was ordered or it was
 * gone: it is deleted again.
 */
function isStoredAgain({ key, secret, publicJwk }: KnownKey): boolean {
  if (key === null || secret !== 'stored' || publicJwk === null) return false;
  if (key.state === 'retired') return !key.hasPrivate || (key.goneAt !== null && key.deleteAgainAt === null);
  return key.state === 'destroyed';
}

/** True if an outlet holds it or a service reports it. */
export function isHeld({ publishedIn, deliveredIn, seenIn, signedBy, acceptedBy }: KnownKey): boolean {
  return publishedIn.length + deliveredIn.length + seenIn.length + signedBy.length + acceptedBy.length > 0;
}
