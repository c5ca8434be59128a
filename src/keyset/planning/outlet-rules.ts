import type { Manifest } from '../manifest/model.js';
import { holdsWanted, unexplained } from '../published/differences.js';
import { isLeaving, isUnfenced } from '../published/fence.js';
import { lacksKeys } from '../published/jwk-set.js';
import { isBackingOff } from '../questions/backoff.js';
import { isIncident } from '../questions/open-incidents.js';
import type { Action, Known } from './action.js';
import type { Reason } from './reason.js';

/**
 * Rewrites outlets that differ. If no rollout, drop or refresh explains the difference (a reboot emptied a tmpfs, a
 * deployment restored an old file), commits that fact first: services then reload whatever happens next.
 */
export function outletActions({ manifest, observations, blocked, request, now }: Known): Action | null {
  if (blocked.has('outlets')) return null;
  // Don't empty an outlet unasked: another key comes first.
  if (lacksKeys(manifest) && !isIncident(manifest)) return null;
  const differing = observations.holdings.filter(
    (holding) => !holdsWanted(holding, manifest) && !(holding.kind === 'deliver' && blocked.has('delivery')),
  );
  const held = isBackingOff(manifest, now) && !request.force && !isIncident(manifest);
  const unread =
    !held && !blocked.has('clock') && manifest.keys.some((key) => key.state === 'pending' && key.publishedAt === null);
  if (differing.length === 0 && !unread && !blocked.has('held') && !isUnfenced(manifest, observations)) return null;
  const found = unexplained(manifest, differing);
  if (found.some(({ type }) => type !== 'other-set-served')) {
    return { type: 'note-outlets', kid: found.find((one) => 'kid' in one)?.kid ?? null, reason: 'outlets-differ' };
  }
  return { type: 'write-outlets', kid: manifest.rollout?.kid ?? null, reason: writeReason(manifest) };
}

function writeReason(manifest: Manifest): Reason {
  if (manifest.rollout?.phase === 'switch') return manifest.rollout.direction === 'back' ? 'rolled-back' : 'switched';
  if (manifest.rollout?.phase === 'publish') return 'new-key';
  if (manifest.refresh !== null) return 'outlets-differ';
  return manifest.keys.some(isLeaving) ? 'key-dropped' : 'new-key';
}
