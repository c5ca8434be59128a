import { JwtrotError } from '../keyset/basics/error.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { holdsWanted, leavesNoTrace, unexplained } from '../keyset/published/differences.js';
import type { Holding } from '../keyset/published/jwk-set.js';
import { outletsFound } from '../keyset/transitions/all.js';
import type { Snapshot } from '../store/store.js';
import type { KeysetContext } from './context.js';
import { DOUBTFUL, type History } from './history.js';
import { nextRevision } from './next-revision.js';

/**
 * Commits what the outlets show before `sync` rewrites them, since rewriting destroys this evidence:
 * - A published pending key is missing. A cache may hold that set, so `publishAhead` starts again (docs/traces.md, 11).
 * - Another set was served. A verifier that restarts may read it from a cache.
 * - A former key is delivered. A signer may have taken it.
 *
 * It takes no lease: a run that holds it loses one commit, reads again and goes on.
 */
export async function noteMissing(
  context: KeysetContext,
  history: History,
  found: Snapshot,
  holdings: readonly Holding[],
): Promise<Manifest> {
  const { store, name, clock, newId, host, bound } = context;
  let snapshot = found;
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const { manifest } = snapshot;
    const differing = holdings.filter((holding) => !holdsWanted(holding, manifest));
    const lacking = unexplained(manifest, differing);
    // Outlets of other hosts always lag behind.
    if (!bound || manifest.host?.id !== host.self.host || !leavesNoTrace(lacking)) return manifest;
    const at = clock.now();
    const { lease, reloadsUntil } = manifest;
    const stamp = { id: newId(), at, lineage: newId(), host: null, lease, reloadsUntil };
    const won = await store.commitManifest(
      nextRevision(manifest, outletsFound(manifest, lacking, at), stamp),
      snapshot,
    );
    if (won !== null) {
      await history.learn(won.manifest);
      return won.manifest;
    }
    const again = await history.readOnce();
    if (again !== null && again !== DOUBTFUL) snapshot = again;
  }
  throw new JwtrotError(
    'store',
    'commit-contended',
    `keyset ${name} is written by somebody else all the time; its outlets were not written`,
    { hint: 'run jwtrot sync again' },
  );
}
