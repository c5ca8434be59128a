import type { Action, Known, Reason } from './action.js';
import { isBackingOff } from './due.js';
import type { Key, Manifest } from './model.js';
import { activeKey, type Holding, wantedKeys } from './projection.js';
import type { Unexplained } from './upkeep.js';

/** True when an outlet holds what the manifest says, no more and no less. */
export function holdsWanted(holding: Holding, manifest: Manifest): boolean {
  const wanted = wantedKeys(manifest, holding);
  if (wanted === null) return holding.kind === 'publish' || holding.keys === null;
  const held = heldKids(holding, manifest);
  return held !== null && holding.intact && held.length === wanted.length && wanted.every((kid, i) => kid === held[i]);
}

/** The kids in an outlet; a PEM holds none, so its key is known by its thumbprint. */
export function heldKids(holding: Holding, manifest: Manifest | null): (string | null)[] | null {
  if (holding.keys === null) return null;
  return holding.keys.map(
    (key) => key.kid ?? manifest?.keys.find((one) => one.thumbprint === key.thumbprint)?.kid ?? null,
  );
}

/**
 * Outlets that differ are written again. Where no rollout, drop or refresh explains the difference (a reboot emptied a
 * tmpfs, a deployment put an old file back), that is noted first, so that services are reloaded whatever happens next.
 */
export function outletActions({ manifest, observations, blocked, request, now }: Known): Action | null {
  if (blocked.has('outlets')) return null;
  const differing = observations.holdings.filter((holding) => !holdsWanted(holding, manifest));
  const held = isBackingOff(manifest, now) && !request.force && manifest.retirements.length === 0;
  const unread =
    !held && !blocked.has('clock') && manifest.keys.some((key) => key.state === 'pending' && key.publishedAt === null);
  if (differing.length === 0 && !unread) return null;
  const found = unexplained(manifest, differing);
  const [kid = null] = [...found.missing, ...found.returned, ...found.signing];
  if (found.publish || found.deliver || kid !== null) {
    return { type: 'note-outlets', kid, reason: 'outlets-differ' };
  }
  return { type: 'write-outlets', kid: manifest.rollout?.kid ?? null, reason: writeReason(manifest) };
}

function writeReason(manifest: Manifest): Reason {
  if (manifest.rollout?.phase === 'switch') return manifest.rollout.direction === 'back' ? 'rolled-back' : 'switched';
  if (manifest.rollout?.phase === 'publish') return 'new-key';
  if (manifest.refresh !== null) return 'outlets-differ';
  return manifest.keys.some(isLeaving) ? 'key-dropped' : 'new-key';
}

export function unexplained(manifest: Manifest, differing: readonly Holding[]): Unexplained {
  const jwks = differing.filter((holding) => holding.kind === 'publish' && holding.format === 'jwks');
  const holds = (holding: Holding, key: Key) => (heldKids(holding, manifest) ?? []).includes(key.kid);
  const missing = manifest.keys
    .filter((key) => key.state === 'pending' && key.publishedAt !== null)
    .filter((key) => jwks.some((holding) => !holds(holding, key)));
  const returned = manifest.keys
    .filter((key) => key.state === 'retired' && key.droppedAt !== null)
    .filter((key) => jwks.some((holding) => holds(holding, key)));
  const signing = manifest.keys
    .filter((key) => key.state === 'deprecated' && key.signedUntil !== null)
    .filter((key) => differing.some((holding) => holding.kind === 'deliver' && holds(holding, key)));
  // A switch reloads signers anyway; without an active key there is nothing that they could read.
  const expected = manifest.rollout?.phase === 'switch' || activeKey(manifest) === null;
  const { refresh } = manifest;
  const pem = differing.some((holding) => holding.kind === 'publish' && holding.format === 'pem');
  return {
    publish: !refresh?.publish && jwks.some((holding) => !isUnderWay(manifest, holding)),
    deliver: !expected && !refresh?.deliver && (pem || differing.some((holding) => holding.kind === 'deliver')),
    missing: missing.map((key) => key.kid),
    returned: returned.map((key) => key.kid),
    signing: signing.map((key) => key.kid),
  };
}

/** Lacks only keys that are about to be published, and holds beyond what it should only keys that are about to go. */
function isUnderWay(manifest: Manifest, holding: Holding): boolean {
  const held = heldKids(holding, manifest) ?? [];
  const wanted = wantedKeys(manifest, holding) ?? [];
  const keysOf = (kids: readonly (string | null)[]) => manifest.keys.filter((key) => kids.includes(key.kid));
  const lacking = keysOf(wanted.filter((kid) => !held.includes(kid)));
  const surplus = keysOf(held.filter((kid) => kid !== null && !wanted.includes(kid)));
  if (lacking.length + surplus.length === 0) return false;
  return lacking.every((key) => isComing(manifest, key)) && surplus.every(isLeaving);
}

function isComing({ rollout }: Manifest, key: Key): boolean {
  // At an incident's deadline a key is activated though its publication was not read back.
  const onItsWay = key.state === 'pending' || (rollout?.phase === 'switch' && rollout.kid === key.kid);
  return onItsWay && key.publishedAt === null;
}

function isLeaving(key: Key): boolean {
  return key.state === 'retired' && key.droppedAt === null;
}
