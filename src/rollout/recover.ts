import { JwtrotError } from '../keyset/basics/error.js';
import { type KeysetRecord, recorded } from '../keyset/history/record.js';
import { brokenInvariants } from '../keyset/manifest/invariants.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { recovered } from '../keyset/recovery/recovered.js';
import type { Recovery } from '../keyset/recovery/recovery.js';
import { adopted, isBeingAdopted } from '../keyset/transitions/adoption.js';
import type { Snapshot } from '../store/store.js';
import type { KeysetContext } from './context.js';
import type { Gathered, RecoveryTools } from './gather.js';
import { assertTakeable, workOf } from './lease.js';
import { privateHalfGone, storeAnew } from './store-anew.js';

/** The length of the lease, under which a key is wrapped and stored, in milliseconds. */
const LIMIT = 180_000;

/**
 * Carries a recovery out, in this order: the manifest, this host's record, the outlets' records, a key that must be
 * stored again. If it is killed at any instant, the next recovery (or `rotate`) goes on.
 * @returns the manifest as it is now
 */
export async function carryOutRecovery(
  context: KeysetContext,
  tools: RecoveryTools,
  { base, evidence: { manifest } }: Gathered,
  recovery: Recovery,
): Promise<Manifest | null> {
  const lease = base?.manifest.lease ?? null;
  if (lease !== null) assertTakeable(lease, context);
  const isCommitted = recovery.because !== null || changes(recovery);
  const endWork = await context.host.workOn(workOf(context));
  try {
    const snapshot = isCommitted ? await commit(context, base, manifest, recovery) : base;
    if (snapshot === null) return null;
    await remember(context, snapshot.manifest, recovery);
    if (recovery.mended.length > 0) await tools.dropRecords(recovery.mended);
    return await finish(context, snapshot);
  } finally {
    await endWork();
  }
}

function changes({ fates }: Recovery): boolean {
  return fates.some(({ becomes }) => becomes !== 'same' && becomes !== 'left');
}

/** @param former null: there is none, or it is damaged and so are those before it */
async function commit(
  context: KeysetContext,
  base: Snapshot | null,
  former: Manifest | null,
  recovery: Recovery,
): Promise<Snapshot> {
  const { name, policy, clock, newId, store } = context;
  const at = clock.now();
  const made = recovered(former, recovery, { keyset: name, lineage: newId(), policy }, at);
  const isUnfinished = made.keys.some(isBeingAdopted);
  const lease = { id: newId(), owner: context.host.self, verb: 'store recover', since: at, until: at + LIMIT };
  const next: Manifest = {
    ...made,
    host: made.host ?? hostOf(context),
    lineage: made.lineage ?? newId(),
    commits: [...made.commits, { id: newId(), at }],
    lease: isUnfinished ? lease : null,
  };
  const [broken] = brokenInvariants(next);
  if (broken !== undefined) throw unsound(name, broken);
  return won(await store.commitManifest(next, base), name);
}

function hostOf({ bound, host: { self } }: KeysetContext): Manifest['host'] {
  return bound ? { id: self.host, hostname: self.hostname } : null;
}

/** Replaces this host's record, but keeps all of its retired keys. What it knew of mended outlets is dropped. */
async function remember({ records }: KeysetContext, manifest: Manifest, recovery: Recovery): Promise<void> {
  const gone = recovery.fates.filter(({ known }) => known.retiredBy.length > 0);
  const change = (former: KeysetRecord | null): KeysetRecord | null => {
    const next = recorded(former, manifest);
    if (next === null) return former;
    const known = new Set(next.retired.map(({ thumbprint, kid }) => `${thumbprint} ${kid}`));
    const more = gone.map(({ known: { thumbprint, kid } }) => ({ thumbprint, kid }));
    return {
      ...next,
      retired: [...next.retired, ...more.filter(({ thumbprint, kid }) => !known.has(`${thumbprint} ${kid}`))],
      outlets: next.outlets.filter(({ outlet }) => !recovery.mended.includes(outlet)),
    };
  };
  await records.update(change, { overDamaged: true });
}

/** Stores a key that the manifest names already, and whose private half only a delivered file holds. */
async function finish(context: KeysetContext, found: Snapshot): Promise<Manifest> {
  const key = found.manifest.keys.find(isBeingAdopted);
  if (key === undefined) return found.manifest;
  const { store, name, policy, clock, newId } = context;
  const isStored = (await store.getKey(name, key.thumbprint)) !== null;
  const put = isStored ? { inDoubt: false } : await storeAnew(context, key);
  if (put === null) throw privateHalfGone(name, key.kid);
  const at = clock.now();
  const done = adopted(found.manifest, key.kid, { at, policy }, put.inDoubt ? at + LIMIT : null);
  const next: Manifest = {
    ...done,
    revision: found.manifest.revision + 1,
    commits: [...done.commits, { id: newId(), at }],
    lease: null,
  };
  const { manifest } = won(await store.commitManifest(next, found), name);
  await context.records.update((record) => recorded(record, manifest));
  return manifest;
}

function won(snapshot: Snapshot | null, keyset: string): Snapshot {
  if (snapshot !== null) return snapshot;
  throw new JwtrotError(
    'leased',
    'recover-overtaken',
    `keyset ${keyset} was written by somebody else since it was looked at; nothing was changed by this step`,
    { hint: 'look again: jwtrot store recover' },
  );
}

function unsound(keyset: string, why: string): JwtrotError {
  return new JwtrotError(
    'refused',
    'would-break',
    `the recovery of keyset ${keyset} would leave it unsound (${why}); nothing was committed`,
    { hint: 'this is a fault in jwtrot: please report it with the output of jwtrot store recover --dry-run --json' },
  );
}
