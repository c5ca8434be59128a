import type { Instant } from '../basics/clock.js';
import type { RetireReason } from '../manifest/key.js';
import type { Manifest, Retirement } from '../manifest/model.js';
import { isPublished, isRetired } from '../manifest/states.js';
import { isUnfenced } from '../published/fence.js';
import type { Holding } from '../published/jwk-set.js';
import type { RetireRequest } from '../questions/incidents.js';
import { keyOf, retired } from '../transitions/all.js';
import { retirementRecorded } from '../transitions/retirement.js';
import type { Found, Known, Rule } from './action.js';
import { recordRetirement, retireNow } from './incident-rules.js';
import { deleteSecret, recheckDrop, undropped } from './key-rules.js';

/*
 * `retire` if the store shows another history than this host knows (docs/design.md, "Lineage and recovery"). That
 * manifest may be out of date about other keys. So the leaked key leaves every place that this host can reach, and
 * nothing is added, awaited or switched. `store recover` does the rest.
 */

/** Records the request and retires the key in one commit: no replacement could be published from this manifest. */
export function retirementRecordedElsewhere(
  manifest: Manifest,
  request: RetireRequest,
  formerLeaseEnd: Instant,
  at: Instant,
): Manifest {
  const { kid, reason, noReplacement } = request;
  const recorded = retirementRecorded(manifest, { ...request, noReplacement: true }, formerLeaseEnd, at);
  const gone = end(recorded, kid, reason, at);
  const asAsked = (one: Retirement) => (one.kid === kid ? { ...one, noReplacement } : one);
  return { ...gone, retirements: gone.retirements.map(asAsked) };
}

/**
 * Requests for keys that this host retired while the store failed. Their original options are lost, so each gets the
 * usual reason, the new request's deadline, and a replacement.
 */
export function untoldOf(manifest: Manifest, kids: readonly string[], { deadline }: RetireRequest): RetireRequest[] {
  const asked = { reason: 'compromised', deadline, noReplacement: false, purge: false } as const;
  // The manifest was read again, and another run may have recorded some of them.
  const left = kids.filter((kid) => manifest.keys.some((key) => key.kid === kid && !isRetired(key)));
  return left.map((kid) => ({ ...asked, kid }));
}

/** Retires the keys of requests recorded before the store turned out to be useless. They get no replacement. */
export function retiringGone(manifest: Manifest, at: Instant): Manifest {
  return manifest.retirements.reduce((ended, { kid, reason }) => end(ended, kid, reason, at), manifest);
}

function end(manifest: Manifest, kid: string, reason: RetireReason, at: Instant): Manifest {
  return isPublished(keyOf(manifest, kid).state) ? retired(manifest, kid, reason, at) : manifest;
}

export const ELSEWHERE: readonly Rule[] = [recordRetirement, endUse, takeOut, deleteLeaked, drop, recheckDrop];

/** A key whose retirement was recorded before this run knew of the other history, or before the store's backup. */
function endUse({ manifest }: Known): Found {
  const inUse = manifest.retirements.find(({ kid }) => isPublished(keyOf(manifest, kid).state));
  return inUse === undefined ? null : retireNow(inUse);
}

/**
 * Takes the key out of each outlet that holds it. Also visits outlets that another run may be writing, or that can't be
 * read: the latter are then named.
 */
function takeOut({ manifest, observations, blocked }: Known): Found {
  if (blocked.has('outlets')) return null;
  const suspect = observations.holdings.some((holding) => holdsRetiring(holding, manifest));
  return suspect || isUnfenced(manifest, observations)
    ? { type: 'write-outlets', kid: manifest.retirements[0]?.kid ?? null, reason: 'key-dropped' }
    : null;
}

export function holdsRetiring({ keys, intact }: Holding, manifest: Manifest): boolean {
  if (keys === null) return false;
  if (keys.length === 0) return !intact;
  const retiring = manifest.keys.filter((key) => manifest.retirements.some((one) => one.kid === key.kid));
  return keys.some((held) => retiring.some((key) => held.kid === key.kid || held.thumbprint === key.thumbprint));
}

/** Only leaked keys: this manifest may be out of date about other retired keys. */
function deleteLeaked(known: Known): Found {
  const { manifest } = known;
  const keys = manifest.keys.filter((key) => manifest.retirements.some((one) => one.kid === key.kid));
  return deleteSecret({ ...known, manifest: { ...manifest, keys } });
}

/** Polls verifiers even if outlets failed: they may read the key elsewhere. */
function drop({ manifest, blocked }: Known): Found {
  if (blocked.has('drop')) return null;
  const waiting = manifest.retirements.find(({ kid }) => {
    // A key that this manifest still publishes can't be confirmed as dropped.
    const { state, droppedAt } = keyOf(manifest, kid);
    return state === 'retired' && droppedAt === null;
  });
  return waiting === undefined ? null : { type: 'confirm-drop', kids: undropped(manifest), reason: 'key-dropped' };
}
