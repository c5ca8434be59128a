import { NOTHING_ASKED } from '../keyset/action.js';
import { JwtrotError } from '../keyset/error.js';
import type { Manifest } from '../keyset/model.js';
import { holdsWanted, unexplained } from '../keyset/outlet-plan.js';
import { type Holding, outletContent } from '../keyset/projection.js';
import { unknownKeys } from '../keyset/refusals.js';
import { leavesNoTrace, outletsFound } from '../keyset/transitions.js';
import type { Written } from '../outlets/outlet.js';
import type { Snapshot } from '../store/store.js';
import type { KeysetContext } from './context.js';
import { observe } from './observe.js';
import { LOCK_TIMEOUT, unwrapActive } from './steps/outlets.js';

export interface SyncResult {
  readonly name: string;
  /** Null: the keyset does not exist yet, there is nothing to write. */
  readonly revision: number | null;
  readonly written: Written;
}

/**
 * A pending key that was published and is missing here: a cache may have taken the set without it, so `publishAhead`
 * starts anew (TRACES 11). A former key that is delivered: a signer may have taken it. Once this has written the outlet
 * again, no later run could see that; so it is committed first. No lease is taken: whoever holds it loses one commit,
 * reads again and goes on.
 */
async function noteMissing(context: KeysetContext, found: Snapshot, holdings: readonly Holding[]): Promise<Manifest> {
  const { store, name, clock, newId, host, bound } = context;
  let snapshot = found;
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const { manifest } = snapshot;
    const differing = holdings.filter((holding) => !holdsWanted(holding, manifest));
    const lacking = unexplained(manifest, differing);
    // Other hosts' outlets follow behind as a matter of course.
    if (!bound || manifest.host?.id !== host.self.host || !leavesNoTrace(lacking)) return manifest;
    const at = clock.now();
    const next: Manifest = {
      ...outletsFound(manifest, lacking, at),
      revision: manifest.revision + 1,
      commits: [...manifest.commits, { id: newId(), at }],
    };
    const won = await store.commitManifest(next, snapshot);
    if (won !== null) return won.manifest;
    snapshot = (await store.readManifest(name)) ?? snapshot;
  }
  throw new JwtrotError(
    'store',
    'commit-contended',
    `keyset ${name} is written by somebody else all the time; its outlets were not written`,
    { hint: 'run jwtrot sync again' },
  );
}

/**
 * Makes the outlets of this host what the manifest says: at boot before the signers start, and on further hosts. Takes
 * no lease, and writes the manifest only to note that a pending key had gone missing or a former one was delivered.
 * @throws JwtrotError
 */
export async function syncKeyset(context: KeysetContext, options: { acceptOlder: boolean }): Promise<SyncResult> {
  const { outlets, store, name, clock, signal } = context;
  if (outlets.publish.length === 0 && outlets.deliver.length === 0) {
    const found = await store.readManifest(name);
    return { name, revision: found?.manifest.revision ?? null, written: { publish: false, deliver: false } };
  }
  return outlets.locked(LOCK_TIMEOUT, async (writer) => {
    // Read under the lock: what was read before may be old by now (TRACES 1).
    const found = await store.readManifest(name);
    const holdings = await observe(context);
    const { host, hostname } = context.host.self;
    const refusal = unknownKeys({
      keyset: name,
      manifest: found?.manifest ?? null,
      policy: context.policy,
      now: clock.now(),
      observations: { holdings, reported: [], host: { id: host, hostname, bound: false }, clockOffset: null },
      request: NOTHING_ASKED,
      blocked: new Set(),
    });
    if (refusal !== null) throw new JwtrotError('refused', refusal.code, refusal.message, { hint: refusal.hint });
    if (found === null) return { name, revision: null, written: { publish: false, deliver: false } };
    const manifest = await noteMissing(context, found, holdings);
    const content = outletContent(manifest);
    const settled = holdings.every((holding) => holdsWanted(holding, manifest));
    const written = settled
      ? { publish: false, deliver: false }
      : await writer.write(content, () => unwrapActive(context, manifest), {
          acceptOlder: options.acceptOlder,
          again: false,
          signal,
        });
    // Files alone: at boot, nobody may serve them yet.
    const differing = (await observe(context)).find((holding) => !holdsWanted(holding, manifest));
    if (differing !== undefined) {
      throw new JwtrotError('services', 'not-written', `${differing.outlet} does not hold what was written to it`, {
        hint: 'somebody else writes there too; find out who, then run jwtrot sync again',
      });
    }
    return { name, revision: manifest.revision, written };
  });
}
