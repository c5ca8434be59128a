import type { Action, Known, Reason } from './action.js';
import { isBackingOff } from './due.js';
import type { Manifest } from './model.js';
import { type Holding, outletContent, wantedKeys } from './projection.js';

/** True when an outlet holds what the manifest says, no more and no less. */
export function holdsWanted(holding: Holding, manifest: Manifest): boolean {
  const wanted = wantedKeys(outletContent(manifest), holding);
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
  const unread = !held && manifest.keys.some((key) => key.state === 'pending' && key.publishedAt === null);
  if (differing.length === 0 && !unread) return null;
  const found = unexplained(manifest, differing);
  if (found.publish || found.deliver || found.missing.length > 0) {
    return { type: 'note-outlets', kid: found.missing[0] ?? null, reason: 'outlets-differ' };
  }
  return { type: 'write-outlets', kid: manifest.rollout?.kid ?? null, reason: writeReason(manifest) };
}

function writeReason(manifest: Manifest): Reason {
  if (manifest.rollout?.phase === 'switch') return manifest.rollout.direction === 'back' ? 'rolled-back' : 'switched';
  if (manifest.rollout?.phase === 'publish') return 'new-key';
  if (manifest.refresh !== null) return 'outlets-differ';
  return manifest.keys.some((key) => key.state === 'retired' && key.droppedAt === null) ? 'key-dropped' : 'new-key';
}

export interface Unexplained {
  readonly publish: boolean;
  readonly deliver: boolean;
  /** Pending kids that were published and are not in an outlet now: a cache may have taken the set without them. */
  readonly missing: readonly string[];
}

export function unexplained(manifest: Manifest, differing: readonly Holding[]): Unexplained {
  const jwks = differing.filter((holding) => holding.kind === 'publish' && holding.format === 'jwks');
  const missing = manifest.keys
    .filter((key) => key.state === 'pending' && key.publishedAt !== null)
    .filter((key) => jwks.some((holding) => !(heldKids(holding, manifest) ?? []).includes(key.kid)))
    .map((key) => key.kid);
  const switching = manifest.rollout?.phase === 'switch';
  const dropping = manifest.keys.some((key) => key.state === 'retired' && key.droppedAt === null);
  const publishing = manifest.keys.some((key) => key.state === 'pending' && key.publishedAt === null);
  const refresh = manifest.refresh;
  const pem = differing.some((holding) => holding.kind === 'publish' && holding.format === 'pem');
  return {
    publish: jwks.length > 0 && !publishing && !dropping && !refresh?.publish,
    deliver: !switching && !refresh?.deliver && (pem || differing.some((holding) => holding.kind === 'deliver')),
    missing,
  };
}
