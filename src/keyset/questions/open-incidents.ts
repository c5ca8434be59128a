import type { Manifest, Retirement } from '../manifest/model.js';

/** True if an incident is open: its key may still be published or accepted. */
export function isIncident(manifest: Manifest): boolean {
  return openRetirements(manifest).length > 0;
}

/** Retirements whose key has yet to leave. The others only await a recheck. */
export function openRetirements(manifest: Manifest): Retirement[] {
  return manifest.retirements.filter((one) => isOpen(one, manifest));
}

function isOpen({ kid, requestedAt, checkAgainAt }: Retirement, { keys }: Manifest): boolean {
  // It was requested again after verifiers had dropped the key: open until they are checked again.
  if (checkAgainAt === null || checkAgainAt <= requestedAt) return true;
  // The key came back and must be dropped again.
  return keys.some((key) => key.kid === kid && key.state === 'retired' && key.droppedAt === null);
}
